import type { Log } from '../log.ts';
import type { Database } from '../record/database.ts';
import { databaseNow } from '../record/database.ts';
import { floorId } from '../record/ids.ts';
import {
  createPartition,
  dropPartition,
  newestInDefault,
  PARTITIONED,
  pruneChildren,
  pruneDefault,
  pruneKeys,
  pruneLanes,
  pruneMutes,
  pruneOwnWrites,
  pruneRuns,
  readPartitions,
  type PartitionedTable,
  type PartitionRow,
} from '../record/operate/retention.ts';

/**
 * Maintenance: partitions are made before they are needed and dropped when all in them is old, unless an unfinished
 * run needs it; the rest goes in small batches. Every round is safe on any number of instances.
 */
export interface RetentionDeps {
  readonly database: Database;
  readonly retention: { readonly eventsMs: number; readonly attemptsMs: number; readonly keysMs: number };
  /** How long a write of ours may wait to be seen again: 1 h, or three polls of the slowest feed. */
  readonly ownWritesMs: number;
  readonly log: Log;
}

/** What one round did. */
export interface Maintained {
  readonly created: readonly string[];
  readonly dropped: readonly string[];
  /** Old, but an unfinished run needs them. */
  readonly kept: readonly string[];
  /** Rows removed, by table. */
  readonly pruned: Readonly<Record<string, number>>;
  /** True if some batch was full: there is more to remove. */
  readonly more: boolean;
}

const DAY_MS = 86_400_000;
/** Partitions reach at least this far ahead, so that a few days without maintenance do no harm. */
const AHEAD_MS = 3 * DAY_MS;
const BATCH = 1_000;

/** One round. */
export async function maintainOnce(deps: RetentionDeps): Promise<Maintained> {
  const now = await databaseNow(deps.database.db);
  const created: string[] = [];
  const dropped: string[] = [];
  const kept: string[] = [];
  for (const table of Object.keys(PARTITIONED) as PartitionedTable[]) {
    created.push(...(await createAhead(table, now, deps)));
    const old = await dropOld(table, now - keepMs(table, deps), deps);
    dropped.push(...old.dropped);
    kept.push(...old.kept);
  }
  const pruned = await prune(now, deps);
  const more = Object.values(pruned).some((rows) => rows >= BATCH);
  if (created.length + dropped.length + kept.length > 0) {
    deps.log.info({ created, dropped, kept }, 'partitions maintained');
  }
  const removed = Object.entries(pruned).filter(([, rows]) => rows > 0);
  if (removed.length > 0) deps.log.info({ removed: Object.fromEntries(removed), more }, 'old rows removed');
  return { created, dropped, kept, pruned, more };
}

function keepMs(table: PartitionedTable, { retention }: RetentionDeps): number {
  return table === 'attempts' ? retention.attemptsMs : retention.eventsMs;
}

/** A partition holds a day where rows live for a week or less, else a week. */
export function spanOf(keptMs: number): number {
  return keptMs <= 7 * DAY_MS ? DAY_MS : 7 * DAY_MS;
}

/**
 * The partitions to make so that they reach far enough ahead. They follow the last one; the first begins after what
 * the default partition holds already, which could not be moved without stopping everybody.
 */
export function planPartitions(
  table: PartitionedTable,
  existing: readonly PartitionRow[],
  newestDefault: Date | null,
  spanMs: number,
  now: number,
): readonly PartitionRow[] {
  const last = existing.at(-1)?.until.getTime() ?? 0;
  let from = Math.max(last, floor(now, DAY_MS));
  if (newestDefault !== null && newestDefault.getTime() >= from) {
    from = floor(newestDefault.getTime(), DAY_MS) + DAY_MS;
  }
  const made: PartitionRow[] = [];
  while (from < now + AHEAD_MS) {
    const until = floor(from, spanMs) + spanMs;
    const day = new Date(from).toISOString().slice(0, 10).replaceAll('-', '');
    made.push({ name: `${table}_${day}`, from: new Date(from), until: new Date(until) });
    from = until;
  }
  return made;
}

function floor(ms: number, unit: number): number {
  return Math.floor(ms / unit) * unit;
}

async function createAhead(
  table: PartitionedTable,
  now: number,
  deps: RetentionDeps,
): Promise<readonly string[]> {
  const { database } = deps;
  const [existing, newest] = await Promise.all([
    readPartitions(database.db, table),
    newestInDefault(database.db, table),
  ]);
  const created: string[] = [];
  for (const partition of planPartitions(table, existing, newest, spanOf(keepMs(table, deps)), now)) {
    try {
      await database.transaction((tx) => createPartition(tx, table, partition));
      created.push(partition.name);
    } catch (error) {
      // Another instance made it at the same time, or the table was busy: the next round looks again.
      deps.log.warn({ err: error, partition: partition.name }, 'partition not made yet');
      break;
    }
  }
  return created;
}

async function dropOld(
  table: PartitionedTable,
  before: number,
  { database, log }: RetentionDeps,
): Promise<{ readonly dropped: readonly string[]; readonly kept: readonly string[] }> {
  const dropped: string[] = [];
  const kept: string[] = [];
  for (const partition of await readPartitions(database.db, table)) {
    if (partition.until.getTime() > before) break;
    try {
      const gone = await database.transaction((tx) => dropPartition(tx, table, partition));
      (gone ? dropped : kept).push(partition.name);
    } catch (error) {
      log.warn({ err: error, partition: partition.name }, 'partition not dropped yet');
    }
  }
  return { dropped, kept };
}

async function prune(now: number, deps: RetentionDeps): Promise<Readonly<Record<string, number>>> {
  const { database, retention } = deps;
  const { db } = database;
  const events = new Date(now - retention.eventsMs);
  const attempts = new Date(now - retention.attemptsMs);
  const keys = new Date(now - retention.keysMs);
  const oldRuns = floorId(now - Math.max(retention.eventsMs, retention.attemptsMs));
  return {
    events: await pruneDefault(db, 'events', events, BATCH),
    deliveries: await pruneDefault(db, 'deliveries', events, BATCH),
    attempts: await pruneDefault(db, 'attempts', attempts, BATCH),
    runs: await database.transaction((tx) => pruneRuns(tx, oldRuns, BATCH)),
    event_keys: await pruneKeys(db, keys, BATCH),
    bound_children: await pruneChildren(db, keys, BATCH),
    own_writes: await pruneOwnWrites(db, deps.ownWritesMs, BATCH),
    mutes: await pruneMutes(db, BATCH),
    lanes: await pruneLanes(db, BATCH),
  };
}
