import { expect, it } from 'vitest';
import { bossPeople, gotoPeople, invgatePeople, jitbitPeople, type DeskPeople } from './people.ts';
import { startBossDesk } from './simulators/bossdesk/bossdesk-desk.ts';
import { startGotoDesk } from './simulators/gotoassist/gotoassist-desk.ts';
import { startInvgateDesk } from './simulators/invgate/invgate-desk.ts';
import { startJitbitDesk } from './simulators/jitbit/jitbit-desk.ts';
import { createStream } from './stream.ts';

interface Stage {
  readonly people: DeskPeople;
  close(): Promise<void>;
}

const desks: Readonly<Record<string, () => Promise<Stage>>> = {
  InvGate: async () => {
    const desk = await startInvgateDesk();
    return { people: invgatePeople(desk), close: () => desk.close() };
  },
  Jitbit: async () => {
    const desk = await startJitbitDesk();
    return { people: jitbitPeople(desk), close: () => desk.close() };
  },
  BOSSDesk: async () => {
    const desk = await startBossDesk();
    return { people: bossPeople(desk), close: () => desk.close() };
  },
  GoToAssist: async () => {
    const desk = await startGotoDesk();
    return { people: gotoPeople(desk), close: () => desk.close() };
  },
};

it.each(Object.entries(desks))(
  '%s: opens with the VIP outage and then repeats itself for the same seed only',
  async (_, start) => {
    const firstTexts = async (seed: number): Promise<string[]> => {
      const desk = await start();
      const stream = createStream(desk.people, { seed });
      const texts = Array.from({ length: 30 }, () => stream.nextHappening().text);
      await desk.close();
      return texts;
    };
    const texts = await firstTexts(1);

    expect(texts[0]).toContain('VPN down');
    expect(await firstTexts(1)).toEqual(texts);
    expect(await firstTexts(2)).not.toEqual(texts);
  },
);

it.each(Object.entries(desks))(
  '%s: files tickets, and lets people reply to, edit and close them',
  async (_, start) => {
    const desk = await start();
    const stream = createStream(desk.people);

    const made = Array.from({ length: 60 }, () => stream.nextHappening());

    expect([...new Set(made.map(({ kind }) => kind))].toSorted()).toEqual([
      'assigned',
      'closed',
      'created',
      'edited',
      'replied',
    ]);
    const closed = made.filter(({ kind }) => kind === 'closed').map(({ ticketId }) => ticketId);
    expect(closed.filter((id) => desk.people.isOpen(id))).toEqual([]);
    await desk.close();
  },
);
