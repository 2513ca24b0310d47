import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startGotoDesk, type GotoDesk } from '../../demo/simulators/gotoassist/gotoassist-desk.ts';
import { gotoIds } from '../../demo/simulators/gotoassist/seed.ts';
import type { DeskEvent } from '../../event.ts';
import { startTestApp, type TestApp } from '../../../test/support/app.ts';
import { until } from '../../../test/support/until.ts';
import { gotoassist } from './index.ts';

/** From a change on the desk to what comes of it, with all loops and a database. */

const RULES = `
id: vpn
name: VPN incidents
when: { connection: legacy, category: VPN }
then:
  - reassign: { agent: Ali Demir }
  - set: { priority: urgent }
  - comment: { text: "Moved: {{ ticket.title }}" }
  - watch: { add: [Nora Yilmaz] }
`;

let desk: GotoDesk;
let stage: TestApp;

beforeAll(async () => {
  desk = await startGotoDesk({ perHour: 1e6 });
  const connection = {
    name: 'legacy',
    vendor: gotoassist,
    settings: gotoassist.settings.parse({ url: desk.url, token: desk.token, report_id: gotoIds.report }),
    settleMs: 1_000,
    reference: 'auto' as const,
    lateAfterMs: 15 * 60_000,
    maxBody: 1024,
    poll: { incidents: 100 },
    budget: { rate: 60_000, burst: 6_000, perMs: 60_000 },
    verify: null,
  };
  const { actions } = gotoassist.capabilities;
  const known = { legacy: { vendor: 'gotoassist', vendorName: 'GoToAssist', actions } };
  const names = { connections: known, lists: [], calendars: [], environment: [], oncall: [] };
  stage = await startTestApp({ rules: RULES, more: { connections: [connection], known: names } });
  await stage.ready();
});
afterAll(async () => {
  await stage.close();
  await desk.close();
});

async function events(ref: number): Promise<readonly DeskEvent[]> {
  const { rows } = await sql<{ doc: DeskEvent }>`
    SELECT doc FROM events WHERE ticket_id = ${String(ref)} ORDER BY id`.execute(stage.database.db);
  return rows.map(({ doc }) => doc);
}

test('a new incident is given away, made urgent, commented and watched, and all of it is known as our own', async () => {
  const ref = desk.human.create({ title: 'VPN down', categoryId: gotoIds.vpn });
  await until('the watch', () => desk.incident(ref).watches.length > 0);
  const seen = await until('the comment among the events', async () => {
    const all = await events(ref);
    return all.some(({ type }) => type === 'comment.added') && all;
  });

  expect(desk.incident(ref)).toMatchObject({ assignedUserId: gotoIds.ali, priorityId: gotoIds.urgent });
  expect(desk.incident(ref).notes.map(({ note }) => note)).toEqual(['Moved: VPN down']);
  expect(seen.filter(({ type }) => type === 'ticket.created')).toHaveLength(1);
  expect(seen.filter(({ type }) => type === 'comment.added')).toMatchObject([{ own: true }]);
  expect(seen.filter(({ type }) => type === 'ticket.updated').every(({ own }) => own)).toBe(true);
});

test('random edits end with what the desk shows, each event once', async () => {
  let edits = 60;
  desk.beforeEachRequest = () => {
    if (edits > 0) desk.randomEdit();
    edits -= 1;
  };
  await until('the edits', () => edits <= 0, 15_000);
  desk.beforeEachRequest = null;

  await until('all titles', async () => {
    const { rows } = await sql<{ id: string; title: string }>`
      SELECT ticket_id AS id, snapshot->>'title' AS title FROM tickets`.execute(stage.database.db);
    const titles = new Map(rows.map((row) => [row.id, row.title]));
    return [...desk.state.incidents.values()]
      .filter((one) => one.closedAt === null)
      .every((one) => titles.get(String(one.referenceNum)) === one.title);
  });
  const { rows } = await sql<{ key: string }>`
    SELECT doc->>'key' AS key FROM events GROUP BY 1 HAVING count(*) > 1`.execute(stage.database.db);

  expect(rows).toEqual([]);
});
