import { createHash } from 'node:crypto';
import type { Clock } from './clock.ts';
import { VendorError } from './errors.ts';
import type { Log } from './log.ts';
import { changeBudget } from './record/budgets.ts';
import { readConnections, refusedMark, silenceConnection, upsertConnection } from './record/connections.ts';
import type { Database, Db } from './record/database.ts';
import { retryFeeds, upsertFeeds } from './record/feeds.ts';
import {
  grownShare,
  halvedShare,
  keptBy,
  shareOf,
  splitBudget,
  takeToken,
  type Share,
} from './vendors/budget.ts';
import type { Adapter, BudgetSpec, CallLane, FeedSpec, Vendor, VendorIo } from './vendors/vendor.ts';

/** One configured connection, open: what ingest reads with and the executor writes with. */
export interface Connection {
  readonly id: number;
  readonly name: string;
  readonly vendor: Vendor;
  /** Null for connections that only receive. */
  readonly adapter: Adapter | null;
  readonly settings: unknown;
  /** Changes with address and credentials: another one is tested anew. */
  readonly fingerprint: string;
  readonly settleMs: number;
  readonly reference: 'auto' | 'always' | 'never';
  readonly lateAfterMs: number;
  /** Poll interval of each feed, ms. */
  readonly pollEveryMs: Readonly<Record<string, number>>;
  /** Limit of the default budget, the operator's or the vendor's. */
  readonly budget: BudgetSpec;
}

/** What the configuration says of a connection, as far as it is not the vendor's own business. */
export interface ConnectionOptions {
  readonly name: string;
  readonly vendor: Vendor;
  readonly settings: unknown;
  readonly settleMs: number;
  readonly reference: 'auto' | 'always' | 'never';
  readonly lateAfterMs: number;
  readonly poll: number | Readonly<Record<string, number>> | null;
  /** The operator's limit for the default budget; null: the adapter's own. */
  readonly budget: BudgetSpec | null;
}

export interface ConnectionDeps {
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
}

/** Registers a connection and its feeds in Postgres and opens its adapter. Makes no call to the vendor. */
export async function openConnection(options: ConnectionOptions, deps: ConnectionDeps): Promise<Connection> {
  const { vendor, name } = options;
  const id = await upsertConnection(deps.database.db, name, vendor.id);
  const feeds = vendor.connect === null ? [] : vendor.capabilities.feeds;
  const fingerprint = createHash('sha256')
    .update(JSON.stringify(options.settings))
    .digest('hex')
    .slice(0, 32);
  await upsertFeeds(
    deps.database.db,
    feeds.map((feed) => ({
      connectionId: id,
      feed: feed.name,
      settingsHash: feedFingerprint(options.settings, feed),
    })),
  );
  await retryAfterNewCredentials(deps.database.db, id, fingerprint);
  const io = createVendorIo(id, options, deps);
  return {
    id,
    name,
    vendor,
    adapter: vendor.connect?.(options.settings, io) ?? null,
    settings: options.settings,
    fingerprint,
    settleMs: options.settleMs,
    reference: options.reference,
    lateAfterMs: options.lateAfterMs,
    budget: budgetOf(options),
    pollEveryMs: Object.fromEntries(feeds.map((feed) => [feed.name, pollInterval(feed, options.poll)])),
  };
}

/** The operator's limit, never exceeded but halved where the vendor's is not known; else the vendor's budget. */
function budgetOf({ budget, vendor }: ConnectionOptions): BudgetSpec {
  const own = vendor.capabilities.budgets.default;
  if (budget === null) return own;
  return own.adapts === undefined ? budget : { ...budget, adapts: { mostPercent: 100 } };
}

/** Feeds that were refused are left alone until the credentials change, which they have if the settings did. */
async function retryAfterNewCredentials(db: Db, id: number, fingerprint: string): Promise<void> {
  const known = (await readConnections(db)).find((row) => row.id === id);
  const tried = [fingerprint, refusedMark(fingerprint)];
  if (known !== undefined && !tried.includes(known.testedWith ?? '')) await retryFeeds(db, id);
}

function pollInterval(feed: FeedSpec, poll: ConnectionOptions['poll']): number {
  if (typeof poll === 'number') return poll;
  return poll?.[feed.name] ?? feed.pollEveryMs;
}

/** Settings that decide what a feed shows: another view or user is another history. Secrets may rotate. */
const VIEW_SETTINGS = ['url', 'user', 'author', 'view_id', 'service_ids', 'report_id', 'search_id'];

function feedFingerprint(settings: unknown, { startsOverWith = [] }: FeedSpec): string {
  const record = (settings ?? {}) as Readonly<Record<string, unknown>>;
  const view = [...VIEW_SETTINGS, ...startsOverWith].map((key) => [key, record[key] ?? null]);
  return createHash('sha256').update(JSON.stringify(view)).digest('hex').slice(0, 32);
}

function createVendorIo(
  id: number,
  options: ConnectionOptions,
  { database, clock, log }: ConnectionDeps,
): VendorIo {
  const { budgets } = options.vendor.capabilities;
  const specOf = (budget: string): BudgetSpec =>
    budget === 'default'
      ? budgetOf(options)
      : ((budgets as Readonly<Record<string, BudgetSpec>>)[budget] ?? budgets.default);
  const take = (budget: string, spec: BudgetSpec, keep: number): Promise<number> =>
    changeBudget(database, { connectionId: id, budget }, spec.burst, (state, now) =>
      takeToken(state, spec, keep, now),
    );
  /** Changes the share of a budget that adapts, which all instances keep to; kept where its tokens are. */
  const changeShare = (budget: string, change: (share: Share, now: number) => Share): Promise<number> =>
    changeBudget(database, { connectionId: id, budget: `${budget}:percent` }, 100, (state, now) => {
      const { percent, since } = change({ percent: state.tokens, since: state.refilledAt }, now);
      return { state: { tokens: percent, refilledAt: since }, result: percent };
    });
  const presentSpec = async (budget: string): Promise<BudgetSpec> => {
    const spec = specOf(budget);
    if (spec.adapts === undefined) return spec;
    const { mostPercent } = spec.adapts;
    return shareOf(spec, await changeShare(budget, (share, now) => grownShare(share, mostPercent, now)));
  };
  return {
    connection: options.name,
    clock,
    async spend(budget: string, lane: CallLane) {
      const { floor, shared } = splitBudget(await presentSpec(budget));
      if (lane === 'poll' && (await take(`${budget}:poll`, floor, 0)) === 0) return;
      const waitMs = await take(budget, shared, keptBy(lane, shared));
      if (waitMs === 0) return;
      throw new VendorError(`${options.name}: the call budget has nothing left for ${lane} calls`, {
        reason: 'rate_limited',
        vendor: options.vendor.id,
        connection: options.name,
        retryAt: clock.now() + waitMs,
        notApplied: true,
      });
    },
    async silence(untilMs, reason, overLimit) {
      const forMs = Math.max(0, untilMs - clock.now());
      log.warn({ connection: options.name, reason, forMs }, 'connection is silent for a while');
      const wasSilent = await silenceConnection(database.db, id, forMs, reason);
      if (!overLimit || wasSilent || specOf('default').adapts === undefined) return;
      const percent = await changeShare('default', halvedShare);
      log.warn({ connection: options.name, percent }, 'too many calls: fewer from now on');
    },
    warn: (message, fields) => log.warn({ connection: options.name, ...fields }, message),
  };
}
