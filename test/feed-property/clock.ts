import pg from 'pg';
import type { Clock } from '../../src/clock.ts';

/**
 * Time that stands still until somebody moves it, for the process, the desk and the database alike: hours pass as
 * fast as the work in them allows. Whoever sleeps moves it.
 */
export class PropertyClock implements Clock {
  readonly #client: pg.Client;
  readonly #startMs: number;
  #ms: number;
  #moved: Promise<unknown> = Promise.resolve();

  private constructor(client: pg.Client, startMs: number) {
    this.#client = client;
    this.#startMs = startMs;
    this.#ms = startMs;
  }

  /** Puts this clock in the place of the database's own; a sequence, because its value is seen by all at once. */
  static async install(databaseUrl: string, startMs: number): Promise<PropertyClock> {
    const client = new pg.Client({ connectionString: databaseUrl });
    await client.connect();
    await client.query(`
      CREATE SEQUENCE property_clock START ${startMs};
      CREATE OR REPLACE FUNCTION app_now() RETURNS timestamptz LANGUAGE sql STABLE AS
        'SELECT to_timestamp(last_value / 1000.0) FROM property_clock'`);
    return new PropertyClock(client, startMs);
  }

  now(): number {
    return this.#ms;
  }

  monotonic(): number {
    return this.#ms - this.#startMs;
  }

  async sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted !== true) await this.advance(ms);
  }

  async advance(ms: number): Promise<void> {
    this.#ms += Math.max(1, Math.ceil(ms));
    this.#moved = this.#moved.then(() =>
      this.#client.query('SELECT setval($1, $2)', ['property_clock', this.#ms]),
    );
    await this.#moved;
  }

  async close(): Promise<void> {
    await this.#client.end();
  }
}
