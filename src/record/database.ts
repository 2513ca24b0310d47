import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
import { prepareSession, sessionOf } from './session.ts';
import type { Tables } from './tables.ts';

/** Queries run on this: the pool, or one transaction. */
export type Db = Kysely<Tables>;
export type Tx = Db & { readonly [openTransaction]: true };
declare const openTransaction: unique symbol;

export interface DatabaseOptions {
  readonly url: string;
  /** Connections in the pool. About 10 is best on small machines; 32 were measured slower. */
  readonly poolSize?: number;
  /** Moves app_now() of every session of this pool, e.g. `2 hours`. Tests only; default none. */
  readonly clockOffset?: string;
  /** Told of connections that break while idle; the pool replaces them. */
  readonly onIdleError?: (error: Error) => void;
}

export interface Database {
  readonly db: Db;
  /** A connection of its own, outside the pool, for LISTEN and session locks. The caller ends it. */
  connect(): Promise<pg.Client>;
  /**
   * Runs `work` in a transaction and runs it again (from its start) where the database asks for that.
   *
   * @throws whatever `work` throws, {@link CommitUnknownError} when the answer to COMMIT was lost
   */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * A transaction whose statements need nothing of each other's answers, in one round trip.
   *
   * @param issue issues every statement before it first waits: COMMIT is sent right behind them. What has to hold
   *   is said with `presume`, because there is no turning back after the answers.
   * @throws what a statement fails with (nothing is stored then), {@link CommitUnknownError} when no answer came
   */
  oneTrip<T>(issue: (tx: Tx) => Promise<T>): Promise<T>;
  /** Does something once a transaction under way has committed; nothing if it does not. */
  afterCommit(tx: Tx, work: () => void): void;
  close(): Promise<void>;
}

/** The connection broke while COMMIT was under way: what was written must be looked up. */
export class CommitUnknownError extends Error {
  override readonly name = 'CommitUnknownError';
}

/** serialization_failure, deadlock_detected, lock_not_available: the same work succeeds when tried again. */
const AGAIN = new Set(['40001', '40P01', '55P03']);
const TRIES = 5;

/**
 * A server that says nothing for this long, though it ends every statement after 10 s, is gone without a word: the
 * connection is given up, which keep-alives would do after many minutes.
 */
const SILENT_AFTER_MS = 15_000;

/** Integers beyond 2^53 do not occur in our own columns; as numbers they compare and sort as one expects. */
const INT8_OID = 20;

/**
 * Opens the pool. Sessions get the time-outs without which one stuck statement holds its locks for ever, and
 * app_now()'s offset. Every statement text is prepared once per connection.
 */
export function openDatabase(options: DatabaseOptions): Database {
  const settings = [
    // Our statements name their rows by key. Planned while tables are nearly empty (a queue often is), they would
    // read whole tables, or whole indexes to join with them, for as long as the plan lives.
    '-c enable_seqscan=off',
    '-c enable_mergejoin=off',
    '-c enable_hashjoin=off',
    '-c jit=off',
    '-c statement_timeout=10s',
    '-c lock_timeout=3s',
    '-c idle_in_transaction_session_timeout=5s',
    ...(options.clockOffset === undefined
      ? []
      : [`-c deskhand.clock_offset=${options.clockOffset.replaceAll(' ', '\\ ')}`]),
  ].join(' ');
  const base: pg.ClientConfig = {
    connectionString: options.url,
    keepAlive: true,
    connectionTimeoutMillis: 5000,
    application_name: 'deskhand',
    types: { getTypeParser: typeParser },
  };
  // Pipelined: statements that do not need each other's answers share one round trip (`Promise.all`).
  const pool = new pg.Pool({
    ...base,
    options: settings,
    max: options.poolSize ?? 10,
    pipeline: true,
    query_timeout: SILENT_AFTER_MS,
  });
  pool.on('error', (error) => options.onIdleError?.(error));
  pool.on('connect', prepareSession);
  const after: AfterCommit = new WeakMap();
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });

  return {
    db,
    async connect() {
      const client = new pg.Client(base);
      await client.connect();
      return client;
    },
    transaction: (work) => onConnection(pool, (tx) => inTransaction(tx, work), after),
    oneTrip: (issue) => onConnection(pool, (tx) => inOneTrip(tx, issue), after),
    afterCommit: (tx, work) => after.get(tx)?.push(work),
    close: () => db.destroy(),
  };
}

function typeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (oid === INT8_OID) return Number;
  return pg.types.getTypeParser(oid, format as 'text') as (value: string) => unknown;
}

type AfterCommit = WeakMap<Tx, (() => void)[]>;

/** Does `work` on one connection of the pool, again where the database asks for that. */
async function onConnection<T>(pool: pg.Pool, work: (tx: Tx) => Promise<T>, after: AfterCommit): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const client = await pool.connect();
    try {
      const tx = sessionOf(client) as Tx;
      const works: (() => void)[] = [];
      after.set(tx, works);
      const result = await work(tx);
      for (const each of works) each();
      return result;
    } catch (error) {
      if (attempt >= TRIES || !AGAIN.has(sqlState(error) ?? '')) throw error;
    } finally {
      // The pool itself throws away a connection that broke.
      client.release();
    }
  }
}

/** BEGIN travels with the first statement; its own failure shows in that statement too. */
async function inTransaction<T>(tx: Tx, work: (tx: Tx) => Promise<T>): Promise<T> {
  const begun = sql`begin`.execute(tx);
  begun.catch(() => undefined);
  let result: T;
  try {
    result = await work(tx);
    await begun;
  } catch (error) {
    await sql`rollback`.execute(tx).catch(() => undefined);
    throw error;
  }
  await committed(sql`commit`.execute(tx));
  return result;
}

/** Statements, and COMMIT behind them, leave together; where one of them fails Postgres makes a rollback of it. */
async function inOneTrip<T>(tx: Tx, issue: (tx: Tx) => Promise<T>): Promise<T> {
  const begun = sql`begin`.execute(tx);
  begun.catch(() => undefined);
  const issued = issue(tx);
  issued.catch(() => undefined);
  const ended = committed(sql`commit`.execute(tx));
  ended.catch(() => undefined);
  try {
    const result = await issued;
    await ended;
    return result;
  } catch (error) {
    // What Postgres refused is not committed; where it said nothing, the COMMIT may have reached it all the same.
    await ended.catch(() => undefined);
    if (sqlState(error) !== null || error instanceof CommitUnknownError) throw error;
    throw new CommitUnknownError('the connection broke while committing', { cause: error });
  }
}

async function committed(commit: Promise<unknown>): Promise<void> {
  try {
    await commit;
  } catch (error) {
    if (sqlState(error) !== null) throw error;
    throw new CommitUnknownError('the connection broke while committing', { cause: error });
  }
}

/** The five-character code of a database error, or null for anything that Postgres did not say. */
export function sqlState(error: unknown): string | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  return typeof error.code === 'string' && /^[0-9A-Z]{5}$/.test(error.code) ? error.code : null;
}

/** SQLSTATE class 22 (data exception): the row itself cannot be stored. 54: it is too large for an index. */
export function isPoison(error: unknown): boolean {
  const state = sqlState(error) ?? '';
  return state.startsWith('22') || state.startsWith('54');
}

/** True if the database could not be asked at all, or is going down: the work itself was not judged. */
export function isUnavailable(error: unknown): boolean {
  const state = sqlState(error);
  if (state === null) return error instanceof Error && !(error instanceof TypeError);
  return state.startsWith('08') || state.startsWith('57P') || state.startsWith('53');
}

/** The database's own now, epoch milliseconds: what deadlines are made with. */
export async function databaseNow(db: Db): Promise<number> {
  const { rows } = await sql<{ now: Date }>`SELECT app_now() AS now`.execute(db);
  const now = rows[0]?.now;
  if (now === undefined) throw new Error('the database did not tell the time');
  return now.getTime();
}

/**
 * Text that jsonb takes: it refuses NUL and lone surrogates, which people paste and vendors pass on. The raw bytes
 * are kept elsewhere.
 */
export function toJsonb(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null';
  if (!text.includes('\\u')) return text;
  // JSON.stringify escapes only lone surrogates, and doubles real backslashes.
  return text.replace(/\\\\|\\u0000|\\ud[89a-f][0-9a-f]{2}/g, (match) => {
    if (match === '\\\\') return match;
    return match === '\\u0000' ? '' : '\\ufffd';
  });
}
