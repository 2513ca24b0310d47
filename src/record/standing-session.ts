import type pg from 'pg';
import type { Log } from '../log.ts';
import type { Database } from './database.ts';

/**
 * One connection outside the pool, open as long as the process lives and opened again where it breaks: for what
 * belongs to a session and not to a transaction (LISTEN, the lock by which others see that we live). Needs a direct
 * or session-pooled connection: behind a transaction pooler nothing of it holds.
 */
export interface StandingSession {
  /** Does something on the session, now and each time it was opened anew. @throws what fails the first time */
  onEach(setUp: (client: pg.Client) => Promise<void>): Promise<void>;
  close(): Promise<void>;
}

const AGAIN_MS = 250;

/** Opens it. @throws where the database cannot be reached now; later breaks are logged and mended */
export async function openStandingSession(database: Database, log: Log): Promise<StandingSession> {
  const setUps: ((client: pg.Client) => Promise<void>)[] = [];
  let current: pg.Client | null = null;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  async function open(): Promise<void> {
    const client = await database.connect();
    client.on('error', (error) => {
      if (client !== current) return;
      log.warn({ err: error }, 'the standing database session broke');
      again();
    });
    // Nobody would close it: it came back while we were leaving, and would keep the process alive.
    if (closed) {
      await client.end().catch(() => undefined);
      return;
    }
    current = client;
    for (const setUp of setUps) await setUp(client);
  }

  function again(): void {
    current?.end().catch(() => undefined);
    current = null;
    if (closed || timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      open().catch(again);
    }, AGAIN_MS);
  }

  await open();
  return {
    async onEach(setUp) {
      setUps.push(setUp);
      if (current !== null) await setUp(current);
    },
    async close() {
      closed = true;
      clearTimeout(timer);
      const open = current;
      current = null;
      await open?.end().catch(() => undefined);
    },
  };
}

/**
 * Calls a handler for each notification on its channel, and once for each session, because some may have been missed
 * before it. Only a hint: polling stands behind it.
 */
export async function listenFor(
  session: StandingSession,
  handlers: Readonly<Record<string, () => void>>,
): Promise<void> {
  await session.onEach(async (client) => {
    client.on('notification', (message) => handlers[message.channel]?.());
    for (const channel of Object.keys(handlers)) await client.query(`LISTEN ${channel}`);
    for (const handler of Object.values(handlers)) handler();
  });
}
