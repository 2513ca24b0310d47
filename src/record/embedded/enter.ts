import { randomBytes } from 'node:crypto';
import { readFile, rename, writeFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { messageOf } from '../../errors.ts';
import type { Log } from '../../log.ts';
import { type ServerSpec, urlOf } from './cluster.ts';
import { EmbeddedError } from './embedded-error.ts';
import { joinUsers, leaveUsers, openOwnDatabase, sessionName, takeOwnership } from './ownership.ts';
import type { Place } from './place.ts';
import { ensureRunning, stopServer } from './server.ts';

export interface Entrance {
  readonly place: Place;
  readonly spec: ServerSpec;
  /** `serve`: how the session calls itself. */
  readonly command: string;
  /** Take ownership too. */
  readonly own: boolean;
  readonly log: Log;
}

export interface Entered {
  /** While it lives, no client's `stop` ends the server. */
  readonly session: pg.Client;
  readonly url: string;
  readonly port: number;
  /** False if the server ran already. */
  readonly started: boolean;
}

/** Two users who come and go at once may stop the server under each other a few times. */
const TRIES = 5;

/**
 * Makes sure that the server runs and opens a session in it.
 *
 * @throws EmbeddedError, DataInUseError when `own` is wanted and somebody has it
 */
export async function enter(entrance: Entrance): Promise<Entered> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await enterOnce(entrance);
    } catch (error) {
      if (attempt === TRIES || error instanceof EmbeddedError) throw error;
      entrance.log.debug(
        { error: messageOf(error), attempt },
        'embedded database went away while connecting',
      );
      await sleep(50);
    }
  }
}

async function enterOnce({ place, spec, command, own }: Entrance): Promise<Entered> {
  const { port, pid, started } = await ensureRunning(spec, await lastPort(place.connectionFile));
  const url = await urlOf(spec, port);
  const session = await openOwnDatabase(url, await urlOf(spec, port, 'postgres'), sessionName(command));
  try {
    await joinUsers(session);
    if (own) await takeOwnership(session, place.dataDir);
    await writeConnectionFile(place, url, pid);
  } catch (error) {
    await session.end().catch(() => undefined);
    throw error;
  }
  return { session, url, port, started };
}

/** Ends a use of the server, and the server if it was the last. A session that broke has nothing left to end. */
export async function leave({ spec, own }: Entrance, session: pg.Client): Promise<void> {
  const isLast = await leaveUsers(session, !own).catch(() => false);
  if (isLast) await stopServer(spec);
  await session.end().catch(() => undefined);
}

/** The port of the last start: taken again if free, so that what people noted down stays right. */
async function lastPort(file: string): Promise<number | null> {
  try {
    const { port } = JSON.parse(await readFile(file, 'utf8')) as { port?: unknown };
    return typeof port === 'number' && port > 1023 && port < 65_536 ? port : null;
  } catch {
    return null;
  }
}

/** For people and their tools: `psql "$(jq -r .url data/connection.json)"`. */
async function writeConnectionFile(place: Place, url: string, pid: number): Promise<void> {
  const content = { url, port: Number(new URL(url).port), pid, data_directory: place.cluster };
  const text = `${JSON.stringify(content, null, 2)}\n`;
  if ((await readFile(place.connectionFile, 'utf8').catch(() => '')) === text) return;
  const beside = `${place.connectionFile}.${randomBytes(4).toString('hex')}`;
  await writeFile(beside, text, { mode: 0o600 });
  await rename(beside, place.connectionFile);
}
