import pg from 'pg';
import { systemClock, type Clock } from '../../src/clock.ts';

/** Time that passes `speed` times as fast, for everything that takes its time from the clock it is given. */
export interface FastClock extends Clock {
  /** Makes app_now() of a test's own database the same time, for all its sessions. */
  rule(databaseUrl: string): Promise<void>;
}

export function createFastClock(speed: number): FastClock {
  const startedAt = Date.now();
  return {
    now: () => startedAt + (Date.now() - startedAt) * speed,
    monotonic: () => performance.now() * speed,
    sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
    async rule(databaseUrl) {
      const client = new pg.Client({ connectionString: databaseUrl });
      await client.connect();
      const start = `timestamptz '${new Date(startedAt).toISOString()}'`;
      await client.query(`CREATE OR REPLACE FUNCTION app_now() RETURNS timestamptz LANGUAGE sql STABLE AS $$
        SELECT ${start} + (clock_timestamp() - ${start}) * ${speed} $$`);
      await client.end();
    },
  };
}
