import pg from 'pg';
import { LOCKS } from '../locks.ts';
import { DATABASE } from './cluster.ts';
import { DataInUseError } from './embedded-error.ts';

/**
 * Who uses an embedded database. The owner holds a session lock inside it, which dies with its process however that
 * ends; so does the shared lock of everybody who uses it.
 */

/** A killed owner's session ends when its server process notices, which is at once unless it computes. */
const STALE_OWNER_MS = 5000;

/** @throws the database's error; `3D000` while our database has not been made */
export async function openSession(url: string, applicationName: string): Promise<pg.Client> {
  const client = new pg.Client({
    connectionString: url,
    application_name: applicationName,
    connectionTimeoutMillis: 5000,
    keepAlive: true,
  });
  // A broken session is noticed by whoever watches for `end`; without this it would end the process.
  client.on('error', () => undefined);
  await client.connect();
  return client;
}

/** Opens a session in our database and makes that database on the first start. */
export async function openOwnDatabase(
  url: string,
  adminUrl: string,
  applicationName: string,
): Promise<pg.Client> {
  try {
    return await openSession(url, applicationName);
  } catch (error) {
    if ((error as pg.DatabaseError).code !== '3D000') throw error;
  }
  const admin = await openSession(adminUrl, applicationName);
  try {
    await admin.query(`CREATE DATABASE ${DATABASE}`);
  } catch (error) {
    // Another process was first: duplicate_database, or the unique violation of the same.
    if (!['42P04', '23505'].includes((error as pg.DatabaseError).code ?? '')) throw error;
  } finally {
    await admin.end();
  }
  return openSession(url, applicationName);
}

/**
 * Takes ownership for as long as the session lives.
 *
 * @throws DataInUseError which says who has it
 */
export async function takeOwnership(session: pg.Client, dataDir: string): Promise<void> {
  for (const begun = performance.now(); ;) {
    const { rows } = await session.query<{ taken: boolean }>('SELECT pg_try_advisory_lock($1) AS taken', [
      LOCKS.embeddedOwner,
    ]);
    if (rows[0]?.taken === true) return;
    const owner = await findOwner(session);
    const isGone = owner !== null && owner.pid !== null && !isAlive(owner.pid);
    if (!isGone || performance.now() - begun > STALE_OWNER_MS) {
      throw new DataInUseError(
        `${owner?.name ?? 'another Deskhand'} is running on ${dataDir}` +
          `${owner === null ? '' : ` since ${owner.since}`}. Stop it first, or set DESKHAND_DATA to another folder; ` +
          'several instances share a PostgreSQL of your own (DATABASE_URL).',
        owner?.pid ?? null,
      );
    }
    await session.query('SELECT pg_sleep(0.05)');
  }
}

interface Owner {
  /** `deskhand serve (pid 4711)`. */
  readonly name: string;
  readonly pid: number | null;
  readonly since: string;
}

/** How sessions call themselves, so that others can tell who runs. */
export function sessionName(command: string): string {
  return `deskhand ${command} (pid ${process.pid})`;
}

async function findOwner(session: pg.Client): Promise<Owner | null> {
  const { rows } = await session.query<{ name: string; since: Date }>(
    `SELECT a.application_name AS name, a.backend_start AS since
       FROM pg_locks l JOIN pg_stat_activity a USING (pid)
      WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 0 AND l.objid = $1 AND l.objsubid = 1
        AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())`,
    [LOCKS.embeddedOwner],
  );
  const found = rows[0];
  if (found === undefined) return null;
  const pid = Number(/\(pid (\d+)\)/.exec(found.name)?.[1]);
  return { name: found.name, pid: Number.isNaN(pid) ? null : pid, since: found.since.toISOString() };
}

/**
 * Enters among those who use the server. Waits while another one is stopping it, and then fails with the connection.
 */
export async function joinUsers(session: pg.Client): Promise<void> {
  await session.query('SELECT pg_advisory_lock_shared($1)', [LOCKS.embeddedUsers]);
}

/**
 * Leaves those who use the server.
 *
 * @param spareOthers false: sessions that are not Deskhand's (psql) do not keep the server running
 * @returns true if this was the last one, who is to stop the server now, with this session still open: as long as it
 *   is, nobody new gets in
 */
export async function leaveUsers(session: pg.Client, spareOthers: boolean): Promise<boolean> {
  await session.query('SELECT pg_advisory_unlock_shared($1)', [LOCKS.embeddedUsers]);
  const { rows } = await session.query<{ last: boolean; alone: boolean }>(
    `SELECT pg_try_advisory_lock($1) AS last,
            NOT EXISTS (SELECT FROM pg_stat_activity
                         WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()) AS alone`,
    [LOCKS.embeddedUsers],
  );
  return rows[0]?.last === true && (rows[0].alone || !spareOthers);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
