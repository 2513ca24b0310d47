import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createTimeline, type Timeline } from '../../test/support/timeline.ts';
import { createTimerScans, tickOnce } from './tick.ts';

let line: Timeline;
beforeAll(async () => {
  line = await createTimeline();
});
afterAll(() => line.close());

const RULE =
  'id: old\nname: old\non: [ticket.created]\nwhen: { phase: open, created_at: { older_than: 1h } }\nthen: [acknowledge]\n';
const TICKETS = 60;
/** The clock as several instances see it: it jumps an hour ahead and two hours back (R12). */
const CLOCKS = [41, 65, -55, 90, 42];

test('instances whose clocks jump, restarts, and edits all the while: each ticket fires exactly once', async () => {
  await line.publish(RULE);
  const created = (n: number): string => line.at(n % 40);
  for (let n = 0; n < TICKETS; n += 1) {
    await line.see(41, { id: String(n), phase: 'open', created_at: created(n), updated_at: line.at(41) });
  }

  for (let round = 0; round < 40; round += 1) {
    const minute = CLOCKS[(round * 7) % CLOCKS.length] ?? 41;
    const other = CLOCKS[(round * 3 + 1) % CLOCKS.length] ?? 41;
    const id = String((round * 17) % TICKETS);
    // Fresh instances each round: a restart forgets everything but the database.
    const [here, there] = [line.deps(minute), line.deps(other)];
    await Promise.all([here.store.active.refresh(), there.store.active.refresh()]);
    await Promise.all([
      tickOnce(here),
      tickOnce(there),
      createTimerScans(here).runOnce(),
      line.see(minute, {
        id,
        phase: 'open',
        title: `edit ${round}`,
        created_at: created(Number(id)),
        updated_at: line.at(41 + round),
      }),
    ]);
  }
  await line.tick(130);
  await line.tick(131);

  const { rows } = await sql<{ ticket_id: string; runs: number }>`
    SELECT ticket_id, count(*)::int AS runs FROM runs WHERE state = 'active' GROUP BY ticket_id`.execute(
    line.database.db,
  );
  expect(rows.filter(({ runs }) => runs !== 1)).toEqual([]);
  expect(rows).toHaveLength(TICKETS);
});
