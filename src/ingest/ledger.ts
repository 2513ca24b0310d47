import type { Database, Tx } from '../record/database.ts';
import { findKeys, insertKeys, keyName, type KeyRow } from '../record/events.ts';
import { hashKey } from '../record/ids.ts';
import type { KeyHolder } from './event-draft.ts';

/** The ledger of keys: what came before comes to nothing. */

/** Per holder: was it new, and under which event's id is it known. */
export interface Stored {
  readonly eventId: string;
  readonly duplicate: boolean;
}

/**
 * Inserts all keys first, sorted; a holder is new only if every one of its keys was. A key that stands twice in one
 * group belongs to the first that brings it.
 */
export async function claimKeys(tx: Tx, holders: readonly KeyHolder[]): Promise<readonly Stored[]> {
  const { firstHolder, keysOf } = keyRows(holders);
  const inserted = await insertKeys(tx, sorted(firstHolder));
  const ours = (holder: KeyHolder, name: string): boolean =>
    inserted.has(name) && firstHolder.get(name)?.eventId === holder.id;

  const repeated = holders.map((holder, index) => keysOf[index]?.find((key) => !ours(holder, key.name)));
  const older = await findKeys(
    tx,
    repeated.filter((key) => key !== undefined),
  );
  return holders.map((holder, index) => {
    const key = repeated[index];
    if (key === undefined) return { eventId: holder.id, duplicate: false };
    return { eventId: older.get(key.name) ?? holder.id, duplicate: true };
  });
}

/** The rows of holders that are presumed new, in the order of insertion; null if a key stands twice among them. */
export function newKeys(holders: readonly KeyHolder[]): readonly KeyRow[] | null {
  const { firstHolder, keysOf } = keyRows(holders);
  return firstHolder.size === keysOf.flat().length ? sorted(firstHolder) : null;
}

/**
 * After a commit whose answer was lost: a key that holds our id was committed by us, another id is a repeat, no id
 * means that nothing was committed.
 *
 * @returns null if the group was not committed
 */
export async function lookUpGroup(
  database: Database,
  holders: readonly KeyHolder[],
): Promise<readonly Stored[] | null> {
  const keys = holders.map((holder) => ({
    connectionId: holder.connectionId,
    hash: hashKey(holder.keys[0]?.key ?? ''),
  }));
  const known = await findKeys(database.db, keys);
  const results = holders.map((holder, index): Stored | null => {
    const key = keys[index];
    const id = key === undefined ? undefined : known.get(keyName(key.connectionId, key.hash));
    return id === undefined ? null : { eventId: id, duplicate: id !== holder.id };
  });
  return results.every((result) => result !== null) ? results : null;
}

interface Keys {
  readonly firstHolder: ReadonlyMap<string, KeyRow>;
  /** Per holder. */
  readonly keysOf: readonly (readonly { connectionId: number; hash: Buffer; name: string }[])[];
}

function keyRows(holders: readonly KeyHolder[]): Keys {
  const firstHolder = new Map<string, KeyRow>();
  const keysOf = holders.map(({ id, connectionId, keys }) =>
    keys.map(({ key, renewAfterMs }) => {
      const hash = hashKey(key);
      const name = keyName(connectionId, hash);
      if (!firstHolder.has(name)) firstHolder.set(name, { connectionId, hash, eventId: id, renewAfterMs });
      return { connectionId, hash, name };
    }),
  );
  return { firstHolder, keysOf };
}

/** Two groups that insert in opposite orders would deadlock. */
function sorted(rows: ReadonlyMap<string, KeyRow>): readonly KeyRow[] {
  return [...rows.values()].sort((a, b) => a.connectionId - b.connectionId || a.hash.compare(b.hash));
}
