import { sql } from 'kysely';
import type { DeskEvent } from '../../event.ts';
import type { Db } from '../database.ts';
import { withBody } from '../events.ts';
import { floorId, hashKey, timeOfId } from '../ids.ts';
import type { EventDoc } from '../tables.ts';
import { toPage, type Page, type PageRequest } from './page.ts';

/** A stored event as people and programs are shown it. */
export interface ShownEvent {
  readonly id: string;
  readonly connectionId: number;
  readonly observedAt: Date;
  /** The rule set that it was matched with. */
  readonly ruleSetId: number | null;
  readonly depth: number;
  readonly causedBy: string | null;
  readonly event: DeskEvent;
}

interface EventRow {
  readonly id: string;
  readonly connection_id: number;
  readonly observed_at: Date;
  readonly rule_set_id: number | null;
  readonly depth: number;
  readonly caused_by: string | null;
  readonly doc: EventDoc;
  readonly raw: Buffer | null;
}

export interface EventFilter {
  readonly connection?: string | undefined;
  readonly ticketId?: string | undefined;
  readonly type?: string | undefined;
}

/** A list leaves out bodies that are larger. */
const SHOWN_BODY_BYTES = 64 * 1024;
/** A row's id and its `observed_at` are made by the same process within moments: the window spares looking into every partition. */
const WINDOW_MS = 86_400_000;

/** Stored events, newest first. */
export async function listEvents(db: Db, filter: EventFilter, page: PageRequest): Promise<Page<ShownEvent>> {
  let query = db
    .selectFrom('events as e')
    .select(['e.id', 'e.connection_id', 'e.observed_at', 'e.rule_set_id', 'e.depth', 'e.caused_by', 'e.doc'])
    .select(sql<Buffer | null>`CASE WHEN octet_length(e.raw) <= ${SHOWN_BODY_BYTES} THEN e.raw END`.as('raw'))
    .orderBy('e.id', 'desc')
    .limit(page.limit + 1);
  if (page.after !== null) query = query.where('e.id', '<', page.after);
  if (filter.type !== undefined) query = query.where('e.type', '=', filter.type);
  if (filter.ticketId !== undefined) query = query.where('e.ticket_id', '=', filter.ticketId);
  if (filter.connection !== undefined) {
    query = query.where(
      sql<boolean>`e.connection_id = (SELECT id FROM connections WHERE name = ${filter.connection})`,
    );
  }
  const rows = await query.execute();
  return toPage(rows, page.limit, (row) => row.id, present);
}

/** One event by its id. */
export async function findEvent(db: Db, id: string): Promise<ShownEvent | null> {
  const at = timeOfId(id);
  const near = Number.isFinite(at) ? await readOne(db, id, at) : null;
  return near ?? readOne(db, id, null);
}

async function readOne(db: Db, id: string, near: number | null): Promise<ShownEvent | null> {
  let query = db
    .selectFrom('events')
    .select(['id', 'connection_id', 'observed_at', 'rule_set_id', 'depth', 'caused_by', 'doc', 'raw'])
    .where('id', '=', id);
  if (near !== null) {
    query = query
      .where('observed_at', '>=', new Date(near - WINDOW_MS))
      .where('observed_at', '<', new Date(near + WINDOW_MS));
  }
  const row = await query.executeTakeFirst();
  return row === undefined ? null : present(row);
}

function present(row: EventRow): ShownEvent {
  return {
    id: row.id,
    connectionId: row.connection_id,
    observedAt: row.observed_at,
    ruleSetId: row.rule_set_id,
    depth: row.depth,
    causedBy: row.caused_by,
    event: withBody(row.doc, row.raw),
  };
}

/** Ids that the ledger has for an event's key, over all connections or in one. */
export async function findEventIds(
  db: Db,
  keys: readonly string[],
  connection: string | null,
): Promise<readonly string[]> {
  const hashes = keys.map(hashKey);
  const { rows } = await sql<{ event_id: string }>`
    SELECT DISTINCT k.event_id FROM connections c
      CROSS JOIN unnest(${hashes}::bytea[]) AS wanted (hash)
      JOIN event_keys k ON k.connection_id = c.id AND k.key_hash = wanted.hash
     WHERE ${connection}::text IS NULL OR c.name = ${connection}`.execute(db);
  return rows.map((row) => row.event_id);
}

/** Events observed in a span, oldest first, a page at a time; the span names the partitions, ids the place in them. */
export async function readEventSpan(
  db: Db,
  span: {
    readonly from: Date;
    readonly until: Date;
    readonly afterId: string | null;
    readonly limit: number;
  },
): Promise<readonly ShownEvent[]> {
  const { rows } = await sql<EventRow>`
    SELECT id, connection_id, observed_at, rule_set_id, depth, caused_by, doc, raw FROM events
     WHERE observed_at >= ${span.from} AND observed_at < ${span.until}
       AND id > ${span.afterId ?? floorId(span.from.getTime() - WINDOW_MS)}::uuid
       AND id < ${floorId(span.until.getTime() + WINDOW_MS)}::uuid
     ORDER BY id LIMIT ${span.limit}`.execute(db);
  return rows.map(present);
}

/** How many events a span holds. */
export async function countEventSpan(db: Db, from: Date, until: Date): Promise<number> {
  const { rows } = await sql<{ count: number }>`
    SELECT count(*)::int AS count FROM events WHERE observed_at >= ${from} AND observed_at < ${until}
       AND id > ${floorId(from.getTime() - WINDOW_MS)}::uuid AND id < ${floorId(until.getTime() + WINDOW_MS)}::uuid`.execute(
    db,
  );
  return rows[0]?.count ?? 0;
}

/** Events of one ticket, newest first. */
export async function readEventsOfTicket(
  db: Db,
  connectionId: number,
  ticketId: string,
  page: PageRequest,
): Promise<Page<ShownEvent>> {
  const { rows } = await sql<EventRow>`
    SELECT id, connection_id, observed_at, rule_set_id, depth, caused_by, doc,
           CASE WHEN octet_length(raw) <= ${SHOWN_BODY_BYTES} THEN raw END AS raw
      FROM events
     WHERE connection_id = ${connectionId} AND ticket_id = ${ticketId}
       AND id < ${page.after ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff'}::uuid
     ORDER BY id DESC LIMIT ${page.limit + 1}`.execute(db);
  return toPage(rows, page.limit, (row) => row.id, present);
}
