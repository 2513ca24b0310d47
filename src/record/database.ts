import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import { Kysely, PostgresDialect, sql } from 'kysely';
import pg from 'pg';
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

/** Integers beyond 2^53 do not occur in our own columns; as numbers they compare and sort as one expects. */
const INT8_OID = 20;

/**
 * Opens the pool. Sessions get the time-outs without which one stuck statement holds its locks for ever, and
 * app_now()'s offset. Every statement text is prepared once per connection.
 */
export function openDatabase(options: DatabaseOptions): Database {
  const settings = [
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
  const pool = new pg.Pool({ ...base, options: settings, max: options.poolSize ?? 10, pipeline: true });
  pool.on('error', (error) => options.onIdleError?.(error));
  pool.on('connect', prepareStatements);
  // The pool hears only idle connections: one that breaks between two statements would end the process.
  pool.on('connect', (client) => client.on('error', () => undefined));
  const after: AfterCommit = new WeakMap();
  const db = new Kysely<Tables>({ dialect: new PostgresDialect({ pool }) });

  return {
    db,
    async connect() {
      const client = new pg.Client(base);
      await client.connect();
      return client;
    },
    transaction: (work) => transaction(db, work, after),
    afterCommit: (tx, work) => after.get(tx)?.push(work),
    close: () => db.destroy(),
  };
}

function typeParser(oid: number, format?: 'text' | 'binary'): (value: string) => unknown {
  if (oid === INT8_OID) return Number;
  return pg.types.getTypeParser(oid, format as 'text') as (value: string) => unknown;
}

/**
 * Gives every statement a name, so that Postgres parses and plans it once per connection. Texts that vary in
 * length (an IN list, a many-row VALUES) would fill its memory: hot statements use arrays, and past a few hundred
 * texts no new ones are named.
 */
function prepareStatements(client: pg.PoolClient): void {
  const names = new Map<string, string>();
  const query = client.query.bind(client) as (...args: unknown[]) => unknown;
  const send = sendTogether(client);
  const plain = (...args: unknown[]): unknown => send(() => query(...args));
  const named = (text: unknown, ...rest: unknown[]): unknown => {
    if (typeof text !== 'string' || !Array.isArray(rest[0])) return plain(text, ...rest);
    let name = names.get(text);
    if (name === undefined && names.size < 300) {
      name = createHash('sha256').update(text).digest('hex').slice(0, 24);
      names.set(text, name);
    }
    return name === undefined
      ? plain(text, ...rest)
      : plain({ name, text, values: rest[0] }, ...rest.slice(1));
  };
  Object.assign(client, { query: named });
}

/**
 * Statements that are issued in one turn leave in one write: each write of its own costs a system call and wakes the
 * database's process (a third of our time under load, measured).
 */
function sendTogether(client: pg.PoolClient): <T>(send: () => T) => T {
  const { stream } = (client as unknown as { connection: { stream: Socket } }).connection;
  let corked = false;
  const uncork = (): void => {
    corked = false;
    stream.uncork();
  };
  return (send) => {
    if (!corked) {
      corked = true;
      stream.cork();
      // After the promises of this turn, which issue the other statements.
      process.nextTick(uncork);
    }
    return send();
  };
}

type AfterCommit = WeakMap<Tx, (() => void)[]>;

async function transaction<T>(db: Db, work: (tx: Tx) => Promise<T>, after: AfterCommit): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await db.connection().execute(async (connection) => {
        const tx = connection as Tx;
        const works: (() => void)[] = [];
        after.set(tx, works);
        const result = await inTransaction(tx, work);
        for (const each of works) each();
        return result;
      });
    } catch (error) {
      if (attempt >= TRIES || !AGAIN.has(sqlState(error) ?? '')) throw error;
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
  try {
    await sql`commit`.execute(tx);
    return result;
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
