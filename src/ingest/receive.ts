import { createHash } from 'node:crypto';
import type { Connection } from '../connections.ts';
import { toInstant } from '../clock.ts';
import type { DeskEvent } from '../event.ts';
import { parseJson } from '../json.ts';
import { createBatcher, type Batcher } from '../record/batcher.ts';
import { CommitUnknownError, isPoison, isUnavailable, type Database, type Tx } from '../record/database.ts';
import { insertDeliveries, type NewDelivery } from '../record/deliveries.ts';
import { nominate } from '../record/nominations.ts';
import { presentTicket } from '../ticket.ts';
import type { RuleBook } from '../rules/active.ts';
import type { EventInbound, NudgeInbound } from '../vendors/vendor.ts';
import type { EventDraft, LedgerKey } from './event-draft.ts';
import { claimKeys, lookUpGroup } from './ledger.ts';
import { parkedEvent } from './poison.ts';
import { inRuleSet, storeEvents, type StoreDeps } from './store-event.ts';
import { storeNew, type Hands } from './store-new.ts';

/**
 * Webhooks: in come authenticated bytes, out goes an answer that is 2xx only after what they say is committed.
 * Deliveries that arrive together share one transaction.
 */

export interface Delivery {
  readonly connection: Connection;
  readonly bytes: Uint8Array;
  readonly contentType: string;
  header(name: string): string | undefined;
}

export type Received =
  | { readonly status: 202 | 200; readonly delivery: string; readonly duplicate: boolean }
  | { readonly status: 400 | 503; readonly reason: string };

export interface Receiver {
  receive(delivery: Delivery): Promise<Received>;
  /** Resolves when every delivery that came in was answered. */
  drain(): Promise<void>;
}

export interface ReceiveDeps {
  readonly database: Database;
  readonly store: StoreDeps;
  /** The worker of this process, which takes the first steps of new runs at once. */
  readonly hands: Hands;
  readonly onRuns: () => void;
  /** Told how many deliveries share a transaction; default: nobody. */
  readonly onGroup?: (size: number) => void;
  /** Told when nominations were stored. */
  readonly onNominations: () => void;
  readonly crash: (point: 'after_insert') => void;
}

/** Deliveries of one group: enough to share an fsync, few enough to stay quick. */
const GROUP = 200;
/** The next group gathers while one is committed: two at a time were smaller and cost a tenth more (measured). */
const IN_FLIGHT = 1;
/**
 * Senders that were answered with a large group come again within moments: waiting for them makes groups larger, which
 * gives two instances a sixth more and costs one alone 6 % (measured). A single delivery waits for nobody.
 */
const GATHER_MS = 3;
const LARGE = 6;
/** Beyond these we answer 503 rather than queue without bound. */
const MAX_WAITING = 2_000;
const MAX_WAITING_BYTES = 64 * 1024 * 1024;
/** A body without any id is taken for a repeat of an equal one that was accepted less than this long ago. */
const SAME_BODY_MS = 60_000;

/** One delivery on its way into a group. */
interface Entry {
  readonly draft: EventDraft | null;
  readonly row: NewDelivery | null;
  /** What people are told of it. */
  readonly said: EventDraft | null;
  readonly keys: readonly LedgerKey[];
  readonly id: string;
  readonly connectionId: number;
  readonly nominate: readonly string[];
  readonly readAfterMs: number;
}

export function createReceiver(deps: ReceiveDeps): Receiver {
  let bytesWaiting = 0;
  const batcher: Batcher<Entry, Received> = createBatcher(
    (entries) => {
      deps.onGroup?.(entries.length);
      return commitGroup(entries, deps);
    },
    {
      maxItems: GROUP,
      inFlight: IN_FLIGHT,
      gatherMs: (before) => (before >= LARGE ? GATHER_MS : 0),
    },
  );
  return {
    async receive(delivery) {
      if (batcher.size >= MAX_WAITING || bytesWaiting > MAX_WAITING_BYTES) {
        return { status: 503, reason: 'too many deliveries are waiting for the database' };
      }
      const entry = readDelivery(delivery, deps);
      if ('status' in entry) return entry;
      const size = delivery.bytes.length;
      bytesWaiting += size;
      try {
        return await batcher.add(entry);
      } finally {
        bytesWaiting -= size;
      }
    },
    drain: () => batcher.drain(),
  };
}

/** Reads a delivery into what will be stored; pure but for ids and the time. */
function readDelivery(delivery: Delivery, deps: ReceiveDeps): Entry | { status: 400; reason: string } {
  const { inbound } = delivery.connection.vendor;
  if (inbound === null) return { status: 400, reason: 'this connection takes no webhooks' };
  const text = decodeUtf8(delivery.bytes);
  if (text === null) return parked(delivery, 'the body is not UTF-8', deps);
  return inbound.kind === 'nudge'
    ? readNudge(delivery, text, inbound, deps)
    : readEvent(delivery, text, inbound as EventInbound<unknown>, deps);
}

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false });

function decodeUtf8(bytes: Uint8Array): string | null {
  try {
    return utf8.decode(bytes);
  } catch {
    return null;
  }
}

function readEvent(
  delivery: Delivery,
  text: string,
  inbound: EventInbound<unknown>,
  deps: ReceiveDeps,
): Entry | { status: 400; reason: string } {
  let body: unknown;
  try {
    body = parseJson(text);
  } catch (error) {
    return {
      status: 400,
      reason: `the body must be a JSON object: ${error instanceof Error ? error.message : ''}`,
    };
  }
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { status: 400, reason: 'the body must be a JSON object' };
  }
  const { connection } = delivery;
  const mapped = inbound.map(body as Readonly<Record<string, unknown>>, connection.settings);
  const id = deps.store.newId();
  const deliveryKey = deliveryKeyOf(delivery);
  const keys: LedgerKey[] = [];
  if (mapped.key !== null) keys.push({ key: mapped.key, renewAfterMs: null });
  if (deliveryKey !== null) keys.push({ key: `delivery\n${deliveryKey}`, renewAfterMs: null });
  if (keys.length === 0) keys.push({ key: `body\n${hashOf(delivery.bytes)}`, renewAfterMs: SAME_BODY_MS });
  const now = deps.store.now();
  const occurredAt = mapped.ticket?.occurred_at ?? null;
  const shown = mapped.ticket === null ? null : presentTicket(mapped.ticket, NOT_OURS);
  const event: DeskEvent = {
    key: mapped.key ?? (deliveryKey === null ? `hook:${id}` : `delivery:${deliveryKey}`),
    type: mapped.type,
    connection: connection.name,
    vendor: connection.vendor.id,
    ticket_id: mapped.ticket?.id ?? null,
    occurred_at: occurredAt,
    observed_at: toInstant(now),
    late: occurredAt !== null && now - Date.parse(occurredAt) > connection.lateAfterMs,
    replay: false,
    via: 'webhook',
    feed: null,
    own: false,
    unknown: shown?.unknown ?? [],
    actor: null,
    aspects: [],
    changes: null,
    comment: null,
    trigger: null,
    ticket: shown?.ticket ?? null,
    body,
  };
  const draft: EventDraft = {
    id,
    connectionId: connection.id,
    event,
    raw: Buffer.from(delivery.bytes),
    depth: 0,
    causedBy: null,
    keys,
  };
  return {
    draft,
    row: null,
    said: null,
    keys,
    id,
    connectionId: connection.id,
    nominate: [],
    readAfterMs: 0,
  };
}

/** Deskhand keeps no history of a ticket that only webhooks tell of. */
const NOT_OURS = { acknowledged: false, snoozed: false, revision: 0 };

function readNudge(
  delivery: Delivery,
  text: string,
  inbound: NudgeInbound,
  deps: ReceiveDeps,
): Entry | { status: 400; reason: string } {
  const ids = inbound.ticketIds({ contentType: delivery.contentType, bytes: delivery.bytes, text });
  if (ids.length === 0) {
    return { status: 400, reason: 'the body names no ticket: send {"ticketId": "#ticketId#"} or ticketId=…' };
  }
  return { ...stored(delivery, 'nudged', null, deps), nominate: ids, readAfterMs: inbound.readAfterMs };
}

function parked(delivery: Delivery, reason: string, deps: ReceiveDeps): Entry {
  const entry = stored(delivery, 'parked', reason, deps);
  const { id: connectionId, name: connection, vendor } = delivery.connection;
  const place = { connectionId, connection, vendor: vendor.id, via: 'webhook' } as const;
  return { ...entry, said: parkedEvent(place, { delivery: entry.id }, deps.store) };
}

function stored(
  delivery: Delivery,
  outcome: 'nudged' | 'parked',
  reason: string | null,
  deps: ReceiveDeps,
): Entry {
  const id = deps.store.newId();
  const deliveryKey = deliveryKeyOf(delivery);
  const key: LedgerKey =
    deliveryKey === null
      ? { key: `body\n${hashOf(delivery.bytes)}`, renewAfterMs: SAME_BODY_MS }
      : { key: `delivery\n${deliveryKey}`, renewAfterMs: null };
  const row: NewDelivery = {
    id,
    receivedAt: toInstant(deps.store.now()),
    connectionId: delivery.connection.id,
    key: deliveryKey ?? 'body',
    outcome,
    reason,
    contentType: delivery.contentType.slice(0, 200),
    raw: Buffer.from(delivery.bytes),
  };
  const connectionId = delivery.connection.id;
  return { draft: null, row, said: null, keys: [key], id, connectionId, nominate: [], readAfterMs: 0 };
}

/** The sender's own id of this delivery: the same over its retries. */
function deliveryKeyOf(delivery: Delivery): string | null {
  for (const name of ['webhook-id', 'x-github-delivery', 'idempotency-key']) {
    const value = delivery.header(name);
    if (value !== undefined && value !== '') return value;
  }
  return null;
}

function hashOf(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('base64');
}

/** Commits a group; where one body cannot be stored, halves the group down to it and parks that one. */
async function commitGroup(entries: readonly Entry[], deps: ReceiveDeps): Promise<readonly Received[]> {
  try {
    return await commit(entries, deps);
  } catch (error) {
    if (isPoison(error)) {
      const [only] = entries;
      if (entries.length === 1 && only !== undefined) return commit([toParked(only, deps)], deps);
      const half = Math.ceil(entries.length / 2);
      return [
        ...(await commitGroup(entries.slice(0, half), deps)),
        ...(await commitGroup(entries.slice(half), deps)),
      ];
    }
    if (isUnavailable(error)) {
      return entries.map(() => ({ status: 503, reason: 'the database does not answer' }) as const);
    }
    throw error;
  }
}

function toParked(entry: Entry, deps: ReceiveDeps): Entry {
  if (entry.draft === null) return entry;
  const { draft } = entry;
  const { connection, vendor } = draft.event;
  const row: NewDelivery = {
    id: entry.id,
    receivedAt: draft.event.observed_at,
    connectionId: entry.connectionId,
    key: entry.id,
    outcome: 'parked',
    reason: 'the database cannot store what this body says',
    contentType: null,
    raw: draft.raw ?? Buffer.alloc(0),
  };
  const place = { connectionId: entry.connectionId, connection, vendor, via: 'webhook' } as const;
  return { ...entry, draft: null, row, said: parkedEvent(place, { delivery: entry.id }, deps.store) };
}

async function commit(entries: readonly Entry[], deps: ReceiveDeps): Promise<readonly Received[]> {
  try {
    const short = await commitNew(entries, deps);
    if (short !== null) return short;
    const result = await inRuleSet(deps.database, deps.store.active, (tx, book) =>
      commitIn(tx, book, entries, deps),
    );
    deps.crash('after_insert');
    if (result.runs > 0) deps.onRuns();
    if (entries.some((entry) => entry.nominate.length > 0)) deps.onNominations();
    return result.answers;
  } catch (error) {
    if (!(error instanceof CommitUnknownError)) throw error;
    const known = await lookUpGroup(deps.database, entries);
    if (known === null) return commit(entries, deps);
    deps.onRuns();
    deps.onNominations();
    return known.map(answer);
  }
}

/** Statements of the short way leave together: so much can be held in memory twice without a thought. */
const SHORT_BYTES = 8 * 1024 * 1024;

/** Events only, all of them presumed new: one round trip. @returns null if it takes the long way */
async function commitNew(entries: readonly Entry[], deps: ReceiveDeps): Promise<readonly Received[] | null> {
  const drafts = entries.flatMap(({ draft }) => (draft === null ? [] : [draft]));
  const bytes = drafts.reduce((sum, { raw }) => sum + (raw?.length ?? 0), 0);
  if (drafts.length < entries.length || bytes > SHORT_BYTES) return null;
  const stored = await storeNew(deps.database, drafts, deps.store, deps.hands);
  if (stored === null) return null;
  deps.crash('after_insert');
  stored.start();
  if (stored.unclaimed > 0) deps.onRuns();
  return drafts.map(({ id }) => answer({ eventId: id, duplicate: false }));
}

async function commitIn(
  tx: Tx,
  book: RuleBook,
  entries: readonly Entry[],
  deps: ReceiveDeps,
): Promise<{ answers: readonly Received[]; runs: number }> {
  const claimed = await claimKeys(tx, entries);
  const fresh = entries.filter((_, index) => claimed[index]?.duplicate === false);
  const drafts = fresh.flatMap(({ draft }) => (draft === null ? [] : [draft]));
  const result = await storeEvents(tx, book, drafts, deps.store, 'claimed');
  await insertDeliveries(
    tx,
    fresh.flatMap(({ row }) => (row === null ? [] : [row])),
  );
  const said = fresh.flatMap(({ said: draft }) => (draft === null ? [] : [draft]));
  const told = said.length === 0 ? null : await storeEvents(tx, book, said, deps.store);
  // A repeated nudge still costs nothing but a look: two quick edits send equal bodies.
  const nudges = entries.filter((entry) => entry.nominate.length > 0);
  for (const readAfterMs of new Set(nudges.map((entry) => entry.readAfterMs))) {
    const rows = nudges
      .filter((entry) => entry.readAfterMs === readAfterMs)
      .flatMap((entry) =>
        entry.nominate.map((ticketId) => ({ connectionId: entry.connectionId, ticketId, via: 'webhook' })),
      );
    await nominate(tx, rows, readAfterMs);
  }
  return { answers: claimed.map(answer), runs: result.runs + (told?.runs ?? 0) };
}

function answer(known: { readonly eventId: string; readonly duplicate: boolean }): Received {
  return { status: known.duplicate ? 200 : 202, delivery: known.eventId, duplicate: known.duplicate };
}
