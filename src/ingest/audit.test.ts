import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { collectingLog } from '../../test/support/app.ts';
import { createTimeline, type Timeline } from '../../test/support/timeline.ts';
import { NO_SETTINGS } from '../match/matcher.ts';
import { endSilence } from '../operate/silences.ts';
import { insertSilence } from '../record/operate/silences.ts';
import { auditOnce, createHeartbeat, type AuditDeps } from './audit.ts';
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
  async function audit(minute: number, more: Partial<AuditDeps> = {}): Promise<number> {
    const { database, store } = line.deps(minute);
    await store.active.refresh();
    const overdue = await auditOnce({
      database,
      store,
      log: collectingLog([]),
      paused: () => false,
      heartbeat: null,
      onFound: () => undefined,
      ...more,
    });
    return overdue.timers;
  }
  const audits = async (): Promise<number> => {
    const { rows } = await sql`SELECT 1 FROM events WHERE type = 'audit.overdue'`.execute(line.database.db);
    return rows.length;
  };

  test('says once an hour that a timer was not fired', async () => {
    await line.publish(RULE);
    await line.see(1, { ...TICKET, created_at: line.at(0) });

    expect(await audit(61)).toBe(0);
    expect(await audit(65)).toBe(1);
    expect(await audit(65)).toBe(1);
    expect(await audits()).toBe(1);
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

    await audit(2, { heartbeat });
    await audit(70, { heartbeat });
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
    await endSilence(line.database, ID, 'nora');
    await expect(endSilence(line.database, ID, 'nora')).rejects.toThrow('was ended before');
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
