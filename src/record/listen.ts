import type pg from 'pg';
import type { Log } from '../log.ts';
import type { Database } from './database.ts';

/** A session of its own that hears NOTIFY; only a hint, polling stands behind it. */
export interface Listener {
  close(): Promise<void>;
}

const AGAIN_MS = 2_000;

/**
 * Calls a handler for each notification on its channel, and once after every reconnect, when some may have been
 * missed. Needs a direct or session-pooled connection: behind a transaction pooler nothing is ever heard.
 */
export async function listenFor(
  database: Database,
  handlers: Readonly<Record<string, () => void>>,
  log: Log,
): Promise<Listener> {
  let client: pg.Client | null = null;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;

  async function open(): Promise<void> {
    const fresh = await database.connect();
    fresh.on('notification', (message) => handlers[message.channel]?.());
    fresh.on('error', (error) => {
      log.warn({ err: error }, 'the listening connection broke');
      again();
    });
    for (const channel of Object.keys(handlers)) await fresh.query(`LISTEN ${channel}`);
    client = fresh;
    for (const handler of Object.values(handlers)) handler();
  }

  function again(): void {
    client?.end().catch(() => undefined);
    client = null;
    if (closed || timer !== undefined) return;
    timer = setTimeout(() => {
      timer = undefined;
      open().catch(again);
    }, AGAIN_MS);
  }

  await open();
  return {
    async close() {
      closed = true;
      clearTimeout(timer);
      await client?.end().catch(() => undefined);
    },
  };
}
