import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts';
import { openDatabase, type Database } from '../record/database.ts';
import { takeTurn, type Turn } from '../record/slack-turns.ts';
import { POST_PACE } from './pace.ts';
import { freeChannel } from './turns.ts';

let cloned: TestDatabase;
let instances: readonly Database[];
beforeAll(async () => {
  cloned = await createTestDatabase();
  instances = [1, 2, 3].map(() => openDatabase({ url: cloned.url, poolSize: 4 }));
});
afterAll(async () => {
  await Promise.all(instances.map((instance) => instance.close()));
  await cloned.drop();
});

const ask = (instance: Database, channel: string, pace = POST_PACE): Promise<Turn> =>
  instance.transaction((tx) => takeTurn(tx, channel, pace));

test('of many that ask at once over several instances one gets the channel', async () => {
  const turns = await Promise.all(instances.flatMap((one) => [1, 2, 3, 4].map(() => ask(one, 'C1'))));

  expect(turns.filter((turn) => turn.granted)).toHaveLength(1);
});

test('the next turn comes a second after the call before ended', async () => {
  const [first, second] = instances as [Database, Database];
  await ask(first, 'C2');
  await freeChannel(first, 'C2');

  const turn = await ask(second, 'C2');

  expect(turn).toMatchObject({ granted: false });
  expect('inMs' in turn ? turn.inMs : 0).toBeGreaterThan(900);
  expect('inMs' in turn ? turn.inMs : 0).toBeLessThanOrEqual(1_050);
});

test('the workspace’s limit holds over all channels', async () => {
  const pace = { ...POST_PACE, workspace: 'test', workspaceMs: 1_000, burstMs: 5_000 };

  const turns = await Promise.all(
    instances.flatMap((one, i) => [1, 2, 3, 4, 5].map((n) => ask(one, `W${i}-${n}`, pace))),
  );

  expect(turns.filter((turn) => turn.granted).length).toBeLessThanOrEqual(7);
});

test('a pause that Slack asked for holds everybody', async () => {
  const [first, second] = instances as [Database, Database];
  await ask(first, 'C3');
  await freeChannel(first, 'C3', 30_000);

  const turn = await ask(second, 'C3');

  expect('inMs' in turn ? turn.inMs : 0).toBeGreaterThan(29_000);
});
