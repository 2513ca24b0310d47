import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../test/support/engine.ts';
import { createPauseSwitch } from './pause-switch.ts';
import { pauseAll, pauseConnection } from './pauses.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterAll(() => engine.close());

test('a process that starts on a held database starts held (R23), and goes on when it is told', async () => {
  await pauseAll(engine.database, 'held at start');

  const pauses = await createPauseSwitch(engine.database.db);
  const held = pauses.all();
  await pauseAll(engine.database, null);
  const before = pauses.all();
  await pauses.refresh();

  expect([held, before, pauses.all()]).toEqual([true, true, false]);
});

test('a paused connection is paused alone', async () => {
  await pauseConnection(engine.database, 'acme', true);
  const pauses = await createPauseSwitch(engine.database.db);

  expect([pauses.connection(engine.connection.id), pauses.connection(0), pauses.all()]).toEqual([
    true,
    false,
    false,
  ]);
});
