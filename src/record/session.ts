import { createHash } from 'node:crypto';
import type { Socket } from 'node:net';
import {
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  type CompiledQuery,
  type DatabaseConnection,
  type Driver,
  type QueryResult,
} from 'kysely';
import type pg from 'pg';
import type { Tables } from './tables.ts';

/**
 * What a connection of the pool gets: statements with names, one write for all that is issued in one turn, and a
 * Kysely whose statements do not wait for each other's answers.
 */

/** Call once for each new connection of the pool. */
export function prepareSession(client: pg.PoolClient): void {
  prepareStatements(client);
  // The pool hears only idle connections: one that breaks between two statements would end the process.
  client.on('error', () => undefined);
}

const sessions = new WeakMap<pg.PoolClient, Kysely<Tables>>();

/**
 * Queries on this very connection. Kysely's own `connection()` sends a statement only after the one before was
 * answered; here they leave as they are issued, so that `Promise.all` is one round trip.
 */
export function sessionOf(client: pg.PoolClient): Kysely<Tables> {
  let session = sessions.get(client);
  if (session === undefined) {
    session = new Kysely<Tables>({
      dialect: {
        createAdapter: () => new PostgresAdapter(),
        createDriver: () => new SessionDriver(client),
        createIntrospector: (db) => new PostgresIntrospector(db),
        createQueryCompiler: () => new PostgresQueryCompiler(),
      },
    });
    sessions.set(client, session);
  }
  return session;
}

const NOT_HERE = 'a session is one connection: use Database.transaction';

class SessionDriver implements Driver {
  readonly #connection: DatabaseConnection;

  constructor(client: pg.PoolClient) {
    this.#connection = {
      executeQuery: executeOn(client),
      streamQuery: () => {
        throw new Error('streams are not read in a transaction');
      },
    };
  }

  acquireConnection = (): Promise<DatabaseConnection> => Promise.resolve(this.#connection);
  releaseConnection = (): Promise<void> => Promise.resolve();
  init = (): Promise<void> => Promise.resolve();
  destroy = (): Promise<void> => Promise.resolve();
  beginTransaction = (): Promise<void> => Promise.reject(new Error(NOT_HERE));
  commitTransaction = (): Promise<void> => Promise.reject(new Error(NOT_HERE));
  rollbackTransaction = (): Promise<void> => Promise.reject(new Error(NOT_HERE));
}

/** in_failed_sql_transaction: a statement before this one failed. */
const FAILED_BEFORE = '25P02';

/**
 * Statements that share a round trip all fail when one does. Each of them then rejects with the error of that one,
 * so that whoever hears of it first hears the cause.
 */
function executeOn(client: pg.PoolClient): <R>(query: CompiledQuery) => Promise<QueryResult<R>> {
  let cause: unknown = null;
  return async ({ sql, parameters }) => {
    try {
      const { command, rowCount, rows } = await client.query(sql, [...parameters]);
      cause = null;
      const counted = rowCount !== null && ['INSERT', 'UPDATE', 'DELETE', 'MERGE'].includes(command);
      return { rows, ...(counted ? { numAffectedRows: BigInt(rowCount) } : {}) };
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === FAILED_BEFORE) throw cause ?? error;
      cause = error;
      throw error;
    }
  };
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
