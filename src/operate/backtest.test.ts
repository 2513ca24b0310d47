import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../test/support/engine.ts';
import { seededRandom } from '../demo/simulators/support/random.ts';
import { ownEvent } from '../ingest/own-events.ts';
import { storeGroup } from '../ingest/store-event.ts';
import { loadRules, NOTHING_KNOWN } from '../match/load.ts';
import { NO_SETTINGS } from '../match/matcher.ts';
import type { Rule } from '../match/rule.ts';
import { PRIORITY_LEVELS, presentTicket } from '../ticket.ts';
import { backtest, type BacktestReport } from './backtest.ts';

let engine: Engine;
beforeAll(async () => {
  engine = await createEngine();
});
afterAll(() => engine.close());
beforeEach(() => engine.clear());

const RULES = [
  'id: network\nname: n\non: [custom.t]\nwhen: { category: [Network, VPN], priority: { at_least: high } }\nlimit: { per_ticket: 100000/1h }\nthen:\n  - slack.post: { channel: "#noc", text: "{{ ticket.title }} <!>" }\n  - wait: 5m\n  - comment: { text: "still {{ ticket.priority }}" }\n',
  'id: words\nname: w\non: [custom.t]\nwhen: { title: { contains: vpn }, none: [{ title: { contains: test } }] }\nlimit: { per_ticket: 100000/1h }\nthen:\n  - comment: { text: hello }\n',
  'id: first\nname: f\norder: 1\nstop: true\non: [custom.t]\nwhen: { category: Printer, priority: low }\nlimit: { per_ticket: 100000/1h }\nthen:\n  - comment: { text: first }\n',
  'id: watched\nname: s\nmode: shadow\non: [custom.t]\nwhen: { any: [{ tags: { has: vip } }, { priority: critical }] }\nlimit: { per_ticket: 100000/1h }\nthen:\n  - comment: { text: shadow }\n',
].join('---\n');

/** Stores events of random tickets, as the live engine does. */
async function happen(count: number, group = 250): Promise<void> {
  const random = seededRandom(11);
  const { store, connection } = engine;
  for (let done = 0; done < count; done += group) {
    const drafts = Array.from({ length: Math.min(group, count - done) }, (_, n) => {
      const id = String(done + n);
      const level = random.pick(PRIORITY_LEVELS);
      const { ticket } = presentTicket(
        {
          id,
          title: random.pick(['VPN down', 'vpn test', 'No paper', 'Wi-Fi slow']),
          category: { id: null, name: random.pick(['Network', 'VPN', 'Printer', 'Other']), path: null },
          priority: { id: null, name: level, level },
          tags: random.pick([[], ['vip'], ['old', 'vip'], ['old']]),
        },
        { acknowledged: false, snoozed: false, revision: 1 },
      );
      return ownEvent(
        {
          type: 'custom.t',
          key: `e${id}`,
          connectionId: connection.id,
          connection: connection.name,
          vendor: 'jitbit',
          ticketId: id,
          ticket,
          body: {},
        },
        store,
      );
    });
    await storeGroup(engine.database, drafts, store);
  }
}

async function run(
  drafts: readonly Rule[],
  onMatch?: (rule: string, event: string) => void,
): Promise<BacktestReport> {
  const { matcher } = await engine.store.active.refresh();
  return backtest(
    {
      drafts,
      active: matcher.rules,
      from: new Date(Date.now() - 3_600_000),
      until: new Date(Date.now() + 1_000),
    },
    {
      database: engine.database,
      settings: NO_SETTINGS,
      monotonic: () => performance.now(),
      ...(onMatch === undefined ? {} : { onMatch }),
    },
  );
}

const load = (yaml: string): readonly Rule[] =>
  loadRules([{ file: 'draft.yaml', text: yaml }], NOTHING_KNOWN).rules;

test('backtest and live engine agree on every one of 10,000 stored events', async () => {
  await engine.publish(RULES);
  await happen(10_000);
  const { rows } = await sql<{ pair: string }>`SELECT rule_id || ' ' || event_id AS pair FROM runs`.execute(
    engine.database.db,
  );
  const tested = new Set<string>();

  const report = await run(load(RULES), (rule, event) => tested.add(`${rule} ${event}`));

  const live = new Set(rows.map((row) => row.pair));
  expect(report.events).toBe(10_000);
  expect(live.size).toBeGreaterThan(5_000);
  expect([...live].filter((pair) => !tested.has(pair))).toEqual([]);
  expect([...tested].filter((pair) => !live.has(pair))).toEqual([]);
  // The figure to reach is 2,000; a busy machine gets some room.
  expect(report.events_per_second).toBeGreaterThan(1_000);
  for (const rule of report.rules) expect(rule.difference).toMatchObject({ added: 0, removed: 0 });
}, 120_000);

test('a changed draft shows what it would add, remove, say and cost', async () => {
  await engine.publish(RULES);
  await happen(100);

  const draft = load(RULES.replace('priority: { at_least: high }', 'priority: critical')).filter(
    (rule) => rule.id === 'network',
  );
  const { rules, not_reconstructed: gaps } = await run(draft);

  const [report] = rules;
  expect(report?.difference?.added).toBe(0);
  expect(report?.difference?.removed).toBeGreaterThan(0);
  expect(report?.slack_messages).toBe(report?.runs);
  expect(report?.steps).toEqual({
    'slack.post': report?.runs,
    wait: report?.runs,
    comment: report?.runs,
  });
  expect(report?.vendor_calls['acme']).toBe(2 * (report?.runs ?? 0));
  expect(report?.samples[0]?.rendered).toEqual([
    { action: 'slack.post', text: expect.stringMatching(/^.+ <!>$/) },
    { action: 'comment', text: 'still critical' },
  ]);
  expect(gaps.join(' ')).toContain('after a wait');
});

test('a shadow rule’s runs are reported as recorded', async () => {
  await engine.publish(RULES);
  await happen(100);

  const { rules } = await run(load(RULES).filter((rule) => rule.id === 'watched'));

  expect(rules[0]?.recorded).toEqual([
    { shadow: true, state: 'done', reason: 'shadow', runs: rules[0]?.matches },
  ]);
});

test('matches over the limit are counted apart', async () => {
  await engine.publish(RULES);
  const limited = load(
    'id: limited\nname: l\non: [custom.same]\nwhen: { connection: acme }\nlimit: { per_ticket: 2/1h }\nthen: [{ comment: { text: x } }]\n',
  );
  for (let n = 0; n < 5; n += 1) await engine.happen({ type: 'custom.same', ticketId: '1' });

  const { rules } = await run(limited);

  expect(rules[0]).toMatchObject({ matches: 5, runs: 2, suppressed: 3, difference: null });
});
