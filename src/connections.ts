import { createHash } from 'node:crypto';
import type { Clock } from './clock.ts';
import { VendorError } from './errors.ts';
import type { Log } from './log.ts';
import { changeBudget } from './record/budgets.ts';
import { readConnections, silenceConnection, upsertConnection } from './record/connections.ts';
import type { Database, Db } from './record/database.ts';
import { retryFeeds, upsertFeeds } from './record/feeds.ts';
import { keptBy, splitBudget, takeToken } from './vendors/budget.ts';
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
      settingsHash: feedFingerprint(options.settings),
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
    budget: options.budget ?? vendor.capabilities.budgets.default,
    pollEveryMs: Object.fromEntries(feeds.map((feed) => [feed.name, pollInterval(feed, options.poll)])),
  };
}

/** Feeds that were refused are left alone until the credentials change, which they have if the settings did. */
async function retryAfterNewCredentials(db: Db, id: number, fingerprint: string): Promise<void> {
  const known = (await readConnections(db)).find((row) => row.id === id);
  if (known !== undefined && known.testedWith !== fingerprint) await retryFeeds(db, id);
}

function pollInterval(feed: FeedSpec, poll: ConnectionOptions['poll']): number {
  if (typeof poll === 'number') return poll;
  return poll?.[feed.name] ?? feed.pollEveryMs;
}

/** Settings that decide what a feed shows: another view or user is another history. Secrets may rotate. */
const VIEW_SETTINGS = ['url', 'user', 'author', 'view_id', 'service_ids', 'report_id', 'search_id'];

function feedFingerprint(settings: unknown): string {
  const record = (settings ?? {}) as Readonly<Record<string, unknown>>;
  const view = VIEW_SETTINGS.map((key) => [key, record[key] ?? null]);
  return createHash('sha256').update(JSON.stringify(view)).digest('hex').slice(0, 32);
}

function createVendorIo(
  id: number,
  options: ConnectionOptions,
  { database, clock, log }: ConnectionDeps,
): VendorIo {
  const specOf = (budget: string): BudgetSpec => {
    const budgets: Readonly<Record<string, BudgetSpec>> = options.vendor.capabilities.budgets;
    if (budget === 'default' && options.budget !== null) return options.budget;
    return budgets[budget] ?? options.vendor.capabilities.budgets.default;
  };
  const take = (budget: string, spec: BudgetSpec, keep: number): Promise<number> =>
    changeBudget(database, { connectionId: id, budget }, spec.burst, (state, now) =>
      takeToken(state, spec, keep, now),
    );
  return {
    connection: options.name,
    clock,
    async spend(budget: string, lane: CallLane) {
      const { floor, shared } = splitBudget(specOf(budget));
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
    async silence(untilMs, reason) {
      log.warn(
        { connection: options.name, reason, forMs: untilMs - clock.now() },
        'connection is silent for a while',
      );
      await silenceConnection(database.db, id, Math.max(0, untilMs - clock.now()), reason);
    },
    warn: (message, fields) => log.warn({ connection: options.name, ...fields }, message),
  };
}
