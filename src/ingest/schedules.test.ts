import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createTimeline, type Timeline } from '../../test/support/timeline.ts';
import { createSchedules } from './schedules.ts';

let line: Timeline;
beforeAll(async () => {
  line = await createTimeline();
});
afterEach(() => line.clear());
afterAll(() => line.close());

const HOURLY =
  'id: digest\nname: Digest\nschedule: "0 * * * *"\ntime_zone: Europe/Berlin\nthen: [{ emit: { type: custom.digest } }]\n';

/** One more instance with its clock at that minute. */
async function fireAt(minute: number): Promise<number> {
  const deps = line.deps(minute);
  await deps.store.active.refresh();
  return createSchedules(deps).runOnce();
}
const nextHour = (): number => 60 - new Date(line.start).getUTCMinutes();

test('a schedule fires once over all instances', async () => {
  await line.publish(HOURLY);
  await fireAt(0);

  const fired = await Promise.all([1, 2, 3].map((minute) => fireAt(nextHour() + minute)));

  expect(fired.reduce((sum, one) => sum + one, 0)).toBe(1);
  expect(await line.runs()).toEqual(['digest active']);
});

test('runs that a downtime skipped are one, late', async () => {
  await line.publish(HOURLY);
  await fireAt(0);

  await fireAt(nextHour() + 200);
  await fireAt(nextHour() + 201);

  expect(await line.runs()).toEqual(['digest active late']);
});

test('a clock that jumps back does not run it again', async () => {
  await line.publish(HOURLY);
  for (const minute of [-119, -59, 1, -119, -59, 2]) await fireAt(nextHour() + minute);

  expect(await line.runs()).toEqual(['digest active', 'digest active']);
});

test('a rule that is off or gone has no schedule', async () => {
  await line.publish(HOURLY);
  await fireAt(0);
  await line.publish(`${HOURLY}mode: off\n`);
  await fireAt(1);

  const { rows } = await sql`SELECT 1 FROM schedules`.execute(line.database.db);
  expect(rows).toEqual([]);
});
