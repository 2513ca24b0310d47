import { expect, it } from 'vitest';

import { startJitbitDesk } from './jitbit/jitbit-desk.ts';
import { createStream } from './stream.ts';

async function firstTexts(seed: number): Promise<string[]> {
  const desk = await startJitbitDesk();
  const stream = createStream(desk, { seed });
  const texts = Array.from({ length: 30 }, () => stream.nextHappening().text);
  await desk.close();
  return texts;
}

it('opens with the VIP outage and then repeats itself for the same seed only', async () => {
  const texts = await firstTexts(1);

  expect(texts[0]).toContain('VPN down');
  expect(await firstTexts(1)).toEqual(texts);
  expect(await firstTexts(2)).not.toEqual(texts);
});

it('files tickets, and lets people reply to, edit and close them', async () => {
  const desk = await startJitbitDesk({ oldTickets: false });
  const stream = createStream(desk);

  const kinds = new Set(Array.from({ length: 60 }, () => stream.nextHappening().kind));

  expect([...kinds].toSorted()).toEqual(['assigned', 'closed', 'created', 'edited', 'replied']);
  await desk.close();
});
