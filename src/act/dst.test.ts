import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createStandingClock, type StandingClock } from '../../test/support/clocks.ts';
import { createEngine, type Engine } from '../../test/support/engine.ts';
import type { CalendarSpec, DaySpan } from '../sla/calendar.ts';

const clock: StandingClock = createStandingClock();
const nightly = (from: number, to: number): readonly (readonly DaySpan[])[] =>
  Array.from({ length: 7 }, () => [{ from: from * 60, to: to * 60 }]);

let engine: Engine;
beforeAll(async () => {
  const calendar = (name: string, timeZone: string, from: number, to: number): CalendarSpec => ({
    name,
    timeZone,
    week: nightly(from, to),
    holidays: new Set<string>(),
  });
  engine = await createEngine({
    clock,
    calendars: [calendar('berlin', 'Europe/Berlin', 2, 4), calendar('new_york', 'America/New_York', 1, 3)],
    oncall: [
      {
        name: 'network',
        people: ['nora@acme.com', 'ali@acme.com'],
        rotate: 'daily',
        fromLocalMs: Date.parse('2026-03-28T02:30Z'),
        timeZone: 'Europe/Berlin',
      },
    ],
  });
});
afterEach(() => engine.clear());
afterAll(() => engine.close());

const moveTo = (at: string): Promise<void> => clock.advance(Date.parse(at) - clock.now());
const PING = '{ emit: { type: custom.ping, data: { whom: "{{ oncall.network }}" } } }';

/** Whom each ping named. */
async function pings(): Promise<readonly string[]> {
  const { rows } = await sql<{ whom: string }>`
    SELECT convert_from(raw, 'utf8')::json->>'whom' AS whom FROM events WHERE type = 'custom.ping' ORDER BY id`.execute(
    engine.database.db,
  );
  return rows.map((row) => row.whom);
}

test.each([
  // Berlin skips 02:00-03:00: the calendar has one hour that night, the rest is the next night's.
  ['berlin', '90m', '2026-03-29T00:30Z', '2026-03-30T00:30Z'],
  // Berlin has 02:00-03:00 twice: three hours that night.
  ['berlin', '150m', '2026-10-24T23:30Z', '2026-10-25T02:30Z'],
  // New York skips 02:00-03:00.
  ['new_york', '90m', '2026-03-08T05:30Z', '2026-03-09T05:30Z'],
  // New York has 01:00-02:00 twice.
  ['new_york', '150m', '2026-11-01T04:30Z', '2026-11-01T07:30Z'],
])('an escalation on %s after %s from %s goes on at %s, once', async (calendar, span, from, until) => {
  await moveTo(from);
  await engine.publish(
    `id: esc\nname: Escalation\non: [custom.go]\nwhen: { event.type: custom.go }\nthen: [${PING}, { wait: { for: ${span}, calendar: ${calendar} } }, ${PING}]\n`,
  );
  await engine.happen({ type: 'custom.go' });
  await engine.work();

  await clock.advance(Date.parse(until) - clock.now() - 1_000);
  await engine.work();
  expect(await pings()).toHaveLength(1);
  await clock.advance(1_000);
  await engine.work();
  await clock.advance(2 * 3_600_000);
  await engine.work();

  expect(await pings()).toHaveLength(2);
});

test('who is on call is asked when the step is taken; turns change at the same wall clock time', async () => {
  await engine.publish(
    `id: esc\nname: Escalation\non: [custom.go]\nwhen: { event.type: custom.go }\nthen: [${PING}, { wait: 2h }, ${PING}]\n`,
  );
  // The second turn begins at 02:30, which is skipped: at the change, 01:00 UTC.
  await moveTo('2026-03-29T00:59Z');
  await engine.happen({ type: 'custom.go' });
  await engine.work();
  await moveTo('2026-03-29T02:59Z');
  await engine.work();

  expect(await pings()).toEqual(['nora@acme.com', 'ali@acme.com']);
});
