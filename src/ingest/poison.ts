import { createHash } from 'node:crypto';
import { toInstant } from '../clock.ts';
import type { Via } from '../event.ts';
import { isPoison, type Database } from '../record/database.ts';
import { insertDeliveries } from '../record/deliveries.ts';
import { fulfil } from '../record/nominations.ts';
import { applyReads, type AppliedRead, type ApplyContext } from './apply.ts';
import type { EventDraft } from './event-draft.ts';
import { claimKeys } from './ledger.ts';
import { ownEvent } from './own-events.ts';
import { inRuleSet, storeEvents, type StoreDeps } from './store-event.ts';

/**
 * What PostgreSQL refuses to store, whoever sent it, is parked with its bytes and said once. It must never hold up what
 * came with it or after it.
 */

/** So often the same connection's poison is said again. */
const SAID_EVERY_MS = 3_600_000;

export interface ParkedAt {
  readonly connectionId: number;
  readonly connection: string;
  readonly vendor: string;
  readonly via: Via;
}

/** Tells people that something was parked: once an hour and connection, however much it is. */
export function parkedEvent(
  { connectionId, connection, vendor, via }: ParkedAt,
  body: { readonly delivery: string; readonly ticket_id?: string },
  deps: StoreDeps,
): EventDraft {
  const hour = toInstant(Math.floor(deps.now() / SAID_EVERY_MS) * SAID_EVERY_MS);
  return ownEvent(
    {
      type: 'connection.degraded',
      key: `connection.degraded:parked:${hour}`,
      connectionId,
      connection,
      vendor,
      via,
      body: { connection, reason: 'something that came in cannot be stored and was parked', ...body },
    },
    deps,
  );
}

/**
 * Applies reads in one transaction; where one of them cannot be stored, halves them down to that one and parks it.
 *
 * @returns how many runs wait for the worker
 */
export async function applyApart(
  reads: readonly AppliedRead[],
  context: ApplyContext,
  deps: { readonly database: Database; readonly store: StoreDeps },
): Promise<number> {
  const { database, store } = deps;
  try {
    const result = await inRuleSet(database, store.active, (tx, book) =>
      applyReads(tx, book, reads, context, store),
    );
    return result.runs;
  } catch (error) {
    const [only] = reads;
    if (!isPoison(error) || only === undefined) throw error;
    if (reads.length === 1) return park(only, context, deps);
    const half = Math.ceil(reads.length / 2);
    const first = await applyApart(reads.slice(0, half), context, deps);
    return first + (await applyApart(reads.slice(half), context, deps));
  }
}

/** A ticket in one state is parked once, however often the feed shows it. */
async function park(
  { read, nomination }: AppliedRead,
  context: ApplyContext,
  deps: { readonly database: Database; readonly store: StoreDeps },
): Promise<number> {
  const { database, store } = deps;
  const { connectionId } = context;
  const id = store.newId();
  const raw = Buffer.from(JSON.stringify(read));
  const key = `parked:${read.id}:${createHash('sha256').update(raw).digest('base64')}`;
  const row = {
    id,
    receivedAt: toInstant(store.now()),
    connectionId,
    key: id,
    outcome: 'parked',
    reason: 'the database cannot store what this ticket says',
    contentType: 'application/json',
    raw,
  } as const;
  return inRuleSet(database, store.active, async (tx, book) => {
    const [claimed] = await claimKeys(tx, [{ id, connectionId, keys: [{ key, renewAfterMs: null }] }]);
    await fulfil(tx, nomination === null ? [] : [nomination]);
    if (claimed?.duplicate !== false) return 0;
    await insertDeliveries(tx, [row]);
    const said = parkedEvent(context, { delivery: id, ticket_id: read.id }, store);
    return (await storeEvents(tx, book, [said], store)).runs;
  });
}
