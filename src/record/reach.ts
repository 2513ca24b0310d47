import pg from 'pg';
import { messageOf } from '../errors.ts';

/** Behind a dead load balancer a connection is taken and never answered. */
const PATIENCE_MS = 10_000;

/**
 * Opens one connection, to know that the database can be used before anything is built on it.
 *
 * @param patienceMs how long it may take to answer
 * @throws Error that names the server, what was wrong and what to do; never the password
 */
export async function reachDatabase(url: string, patienceMs = PATIENCE_MS): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    connectionTimeoutMillis: patienceMs,
    keepAlive: true,
    application_name: 'deskhand',
  });
  // One that breaks fails the statement under way; without this it would end the process.
  client.on('error', () => undefined);
  try {
    await client.connect();
    return client;
  } catch (error) {
    const place = `${client.host}:${client.port}, database ${client.database ?? ''}`;
    throw new Error(
      `PostgreSQL (${place}) cannot be used: ${messageOf(error)}. Start it, or correct DATABASE_URL.`,
      { cause: error },
    );
  }
}
