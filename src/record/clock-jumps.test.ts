import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createStandingClock, type StandingClock } from '../../test/support/clocks.ts';
import { createEngine, type Engine } from '../../test/support/engine.ts';
import { resumeAfterJump } from './clock-jumps.ts';

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const clock: StandingClock = createStandingClock();
let engine: Engine;
beforeAll(async () => {
  engine = await createEngine({ clock });
});
afterEach(() => engine.clear());
afterAll(() => engine.close());

const PING = '{ emit: { type: custom.ping } }';
const pings = async (): Promise<number> =>
  (await engine.events()).filter((event) => event.type === 'custom.ping').length;
const resume = (): Promise<boolean> => engine.database.transaction(resumeAfterJump);

/** The clock goes back; every instance had its heartbeat before. */
async function goBack(ms: number): Promise<void> {
  await sql`UPDATE instances SET beat_at = app_now()`.execute(engine.database.db);
  await clock.advance(-ms);
}

test('after a clock went back, what was due is due now, and waits take as long as they should', async () => {
  await engine.publish(
    `id: r\nname: r\non: [custom.go]\nwhen: { event.type: custom.go }\nthen: [${PING}, { wait: 15m }, ${PING}]\n`,
  );
  await engine.happen({ type: 'custom.go' });
  await engine.work();
  await engine.happen({ type: 'custom.go' });
  await goBack(2 * HOUR_MS);

  await engine.work();
  expect(await pings()).toBe(1);
  expect(await resume()).toBe(true);
  await engine.work();
  expect(await pings()).toBe(2);
  await clock.advance(14 * MINUTE_MS);
  await engine.work();
  expect(await pings()).toBe(2);
  await clock.advance(2 * MINUTE_MS);
  await engine.work();
  expect(await pings()).toBe(4);

  const { rows } = await sql`SELECT 1 FROM feeds WHERE next_poll_at > app_now()`.execute(engine.database.db);
  expect(rows).toEqual([]);
});

test('a clock that goes on is left alone, and a jump is seen once', async () => {
  expect(await resume()).toBe(false);
  await goBack(HOUR_MS);

  expect(await Promise.all([resume(), resume()])).toEqual(expect.arrayContaining([true, false]));
});
