import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { collectingLog } from '../../test/support/app.ts';
import { createTimeline, type Timeline } from '../../test/support/timeline.ts';
import { NO_SETTINGS } from '../match/matcher.ts';
import { untoldOperations } from '../record/slack-operations.ts';
import { sayOperations } from '../slack/operations-blocks.ts';
import { endSilence } from '../operate/silences.ts';
import { insertSilence } from '../record/operate/silences.ts';
import { createAudit, createHeartbeat, type Audit, type AuditDeps } from './audit.ts';
import { createSilences } from './silences.ts';
import { tickOnce } from './tick.ts';

let line: Timeline;
beforeAll(async () => {
  line = await createTimeline();
});
afterEach(() => line.clear());
afterAll(() => line.close());

const RULE =
  'id: old\nname: old\non: [ticket.created]\nwhen: { phase: open, created_at: { older_than: 1h } }\nthen: [acknowledge]\n';
const TICKET = { id: '7', phase: 'open' as const, queue: { id: '1', name: 'Network L2' } };

describe('the self-audit', () => {
  async function auditAt(minute: number, more: Partial<AuditDeps> = {}): Promise<Audit> {
    const { database, store } = line.deps(minute);
    await store.active.refresh();
    return createAudit({
      database,
      store,
      log: collectingLog([]),
      paused: () => false,
      heartbeat: null,
      onFound: () => undefined,
      ...more,
    });
  }
  const audits = async (): Promise<number> => {
    const { rows } = await sql`SELECT 1 FROM events WHERE type = 'audit.overdue'`.execute(line.database.db);
    return rows.length;
  };

  test('says once an hour, and in the operations channel, that a timer was not fired', async () => {
    await line.publish(RULE);
    await line.see(1, { ...TICKET, created_at: line.at(0) });

    const [inTime, late] = [await auditAt(61), await auditAt(65)];
    expect(await inTime.runOnce()).toMatchObject({ timers: 0 });
    for (let look = 0; look < 3; look += 1) expect(await late.runOnce()).toMatchObject({ timers: 1 });

    expect(await audits()).toBe(1);
    const [told, ...more] = await untoldOperations(line.databaseAt(65).db, 'slack:operations', 9);
    expect(more).toEqual([]);
    expect(told === undefined ? '' : sayOperations(told.event)).toMatch(
      /^⏰ 1 timer should have run and did not; the oldest is [56] minutes late/,
    );
  });

  test('says nothing of what was done by its next look', async () => {
    await line.publish(RULE);
    await line.see(1, { ...TICKET, created_at: line.at(0) });

    const audit = await auditAt(180);
    await audit.runOnce();
    await line.tick(180);
    await line.tick(181);
    await audit.runOnce();

    expect(await audits()).toBe(0);
  });

  test('calls the heartbeat URL while all is well, and only then', async () => {
    let calls = 0;
    const server = createServer((_, response) => {
      calls += 1;
      response.end('ok');
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const heartbeat = createHeartbeat(`http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
    await line.publish(RULE);
    await line.see(1, { ...TICKET, created_at: line.at(0) });

    await (await auditAt(2, { heartbeat })).runOnce();
    await (await auditAt(70, { heartbeat })).runOnce();
    server.close();

    expect(calls).toBe(1);
  });
});

describe('a silence', () => {
  async function tickSilenced(minute: number): Promise<readonly string[]> {
    const deps = line.deps(minute);
    const silences = createSilences(deps.database, [], NO_SETTINGS);
    await silences.refresh();
    await deps.store.active.refresh();
    await tickOnce({ ...deps, store: { ...deps.store, silencedBy: silences.silencedBy } });
    return line.runs();
  }
  const ID = '0193a000-0000-7000-8000-000000000001';
  const silence = {
    id: ID,
    when: { queue: 'Network L2' },
    reason: 'switch change',
    by: 'test',
  };

  test('covers what happens in its span, with its reason', async () => {
    await line.publish(RULE);
    await line.see(1, { ...TICKET, created_at: line.at(0) });
    await insertSilence(line.database.db, {
      ...silence,
      from: new Date(line.start),
      until: new Date(line.start + 7_200_000),
    });

    expect(await tickSilenced(61)).toEqual(['old ended suppressed: silenced: switch change']);
  });

  test('covers nothing outside of its condition, its span, or after it was ended', async () => {
    await line.publish(RULE);
    await line.see(1, { ...TICKET, created_at: line.at(0) });
    await insertSilence(line.database.db, {
      ...silence,
      from: new Date(line.start),
      until: new Date(line.start + 7_200_000),
    });
    await endSilence(ID, 'nora', { database: line.database, configured: [] });
    await expect(endSilence(ID, 'nora', { database: line.database, configured: [] })).rejects.toThrow(
      'was ended before',
    );
    await insertSilence(line.database.db, {
      ...silence,
      id: ID.replace(/1$/, '2'),
      when: { queue: 'Other' },
      from: new Date(line.start),
      until: new Date(line.start + 7_200_000),
    });
    await insertSilence(line.database.db, {
      ...silence,
      id: ID.replace(/1$/, '3'),
      when: {},
      from: new Date(line.start),
      until: new Date(line.start + 60_000),
    });

    expect(await tickSilenced(61)).toEqual(['old active']);
  });
});
