import { databaseNow, type Database } from '../record/database.ts';
import { listConnections, type ShownConnection } from '../record/operate/connections.ts';
import { readPauses } from '../record/operate/pauses.ts';
import { readPauses as readRulePauses } from '../record/operate/rules.ts';
import {
  readActiveSet,
  readInstances,
  readQueue,
  readSetting,
  type Queue,
  type ShownInstance,
} from '../record/operate/status.ts';
import { forecast, shareOf, splitBudget } from '../vendors/budget.ts';
import type { BudgetSpec } from '../vendors/vendor.ts';

/** What a connection may spend and what its polls need, as the configuration says. */
export interface BudgetPlan extends BudgetSpec {
  readonly pollEveryMs: readonly number[];
}

/** Everything that tells an operator whether all is well. */
export interface Status {
  readonly ok: boolean;
  /** What needs a person, most urgent first; empty while all is well. */
  readonly attention: readonly string[];
  /** Null: actions go on. */
  readonly paused: string | null;
  readonly rule_set: { readonly id: number; readonly rules: number; readonly activated_at: Date } | null;
  readonly instances: readonly ShownInstance[];
  readonly connections: readonly (ShownConnection & { readonly forecast: Forecast | null })[];
  readonly queue: Queue;
  readonly paused_rules: readonly {
    readonly rule: string;
    readonly paused_at: Date;
    readonly reason: string;
  }[];
  /** The report after the last start: what happened meanwhile. */
  readonly last_report: unknown;
}

/** How far a call budget goes. */
export interface Forecast {
  /** Of the part that all calls share. */
  readonly left: number;
  readonly burst: number;
  readonly calls_per_minute: number;
  /** Of these, what one call per poll takes; the rest is for actions and reads. */
  readonly polls_per_minute: number;
  /** Measured over about the last ten minutes. */
  readonly spent_per_minute: number;
  /** When it is exhausted if that goes on; null: never. */
  readonly exhausted_at: string | null;
}

/** More connections than anybody configures. */
const ALL = 1_000;

export async function readStatus(
  database: Database,
  plans: ReadonlyMap<string, BudgetPlan>,
): Promise<Status> {
  const { db } = database;
  const [now, connections, queue, pauses, rulePauses, ruleSet, instances, lastReport] = await Promise.all([
    databaseNow(db),
    listConnections(db, { limit: ALL, after: null }),
    readQueue(db),
    readPauses(db),
    readRulePauses(db),
    readActiveSet(db),
    readInstances(db),
    readSetting(db, 'last_report'),
  ]);
  const shown = connections.items.map((connection) => ({
    ...connection,
    forecast: forecastOf(connection, plans.get(connection.name), now),
  }));
  const attention = [
    ...(pauses.all === null ? [] : [`every action is stopped (${pauses.all}): deskhand resume --all`]),
    ...shown.flatMap(attentionTo),
    ...(queue.uncertain === 0 ? [] : [`${queue.uncertain} uncertain steps: deskhand uncertain list`]),
    ...(queue.dead === 0 ? [] : [`${queue.dead} dead letters: deskhand dead-letters list`]),
    ...rulePauses.map(({ rule, reason }) => `rule ${rule} is paused (${reason})`),
    ...(queue.parked === 0 ? [] : [`${queue.parked} deliveries of the last day could not be read`]),
  ];
  return {
    ok: attention.length === 0,
    attention,
    paused: pauses.all,
    rule_set: ruleSet,
    instances,
    connections: shown,
    queue,
    paused_rules: rulePauses,
    last_report: lastReport,
  };
}

function attentionTo(connection: ShownConnection): readonly string[] {
  const { name, state, reason, paused, silent_until: silentUntil, silent_reason: silentReason } = connection;
  const found: string[] = [];
  if (state !== 'ok') found.push(`${name} is ${state}${reason === null ? '' : ` (${reason})`}`);
  if (paused) found.push(`${name} is paused`);
  if (silentUntil !== null)
    found.push(`${name} is silent until ${silentUntil.toISOString()} (${silentReason})`);
  for (const feed of connection.feeds) {
    if (feed.failures > 2)
      found.push(`${name} ${feed.feed} failed ${feed.failures} times: ${feed.last_error}`);
  }
  return found;
}

function forecastOf(
  { budgets, spending }: ShownConnection,
  plan: BudgetPlan | undefined,
  now: number,
): Forecast | null {
  if (plan === undefined) return null;
  const round = (value: number): number => Math.round(value * 10) / 10;
  // A budget that adapts to the desk keeps its present size beside its tokens.
  const spec = shareOf(plan, budgets['default:percent'] ?? 100);
  const { shared } = splitBudget(spec);
  const taken = spending['default'];
  const bucket =
    taken === undefined
      ? { tokens: shared.burst, refilledAt: now }
      : { tokens: budgets['default'] ?? 0, refilledAt: Date.parse(taken.last_at) };
  const { left, emptyAt } = forecast(bucket, shared, taken?.per_minute ?? 0, now);
  return {
    left: Math.floor(left),
    burst: shared.burst,
    calls_per_minute: round((spec.rate * 60_000) / spec.perMs),
    polls_per_minute: round(plan.pollEveryMs.reduce((sum, everyMs) => sum + 60_000 / everyMs, 0)),
    spent_per_minute: round((taken?.per_minute ?? 0) + (spending['default:poll']?.per_minute ?? 0)),
    exhausted_at: emptyAt === null ? null : new Date(emptyAt).toISOString(),
  };
}
