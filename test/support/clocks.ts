import pg from 'pg';
import { systemClock, type Clock } from '../../src/clock.ts';

/** Time of a test's own, for everything that takes its time from the clock it is given. */
export interface TestClock extends Clock {
  /** Makes app_now() of a test's own database the same time, for all its sessions. */
  rule(databaseUrl: string): Promise<void>;
}

/** Time that passes `speed` times as fast. */
export function createFastClock(speed: number): TestClock {
  const startedAt = Date.now();
  return {
    now: () => startedAt + (Date.now() - startedAt) * speed,
    monotonic: () => performance.now() * speed,
    sleep: (ms, signal) => systemClock.sleep(ms / speed, signal),
    async rule(databaseUrl) {
      const start = `timestamptz '${new Date(startedAt).toISOString()}'`;
      const client = new pg.Client({ connectionString: databaseUrl });
      await client.connect();
      await client.query(appNow(`${start} + (clock_timestamp() - ${start}) * ${speed}`));
      await client.end();
    },
  };
}

/** Time that stands still until it is moved. */
export interface StandingClock extends TestClock {
  advance(ms: number): Promise<void>;
}

export function createStandingClock(): StandingClock {
  let at = Date.now();
  let client: pg.Client | null = null;
  return {
    now: () => at,
    monotonic: () => at,
    sleep: (ms, signal) => systemClock.sleep(ms, signal),
    async rule(databaseUrl) {
      client = new pg.Client({ connectionString: databaseUrl });
      // Cut when the test's database is dropped.
      client.on('error', () => undefined);
      await client.connect();
      await client.query('CREATE TABLE test_time (at timestamptz NOT NULL)');
      await client.query(`INSERT INTO test_time VALUES (${instant(at)})`);
      await client.query(appNow('at FROM test_time'));
    },
    async advance(ms) {
      at += ms;
      await client?.query(`UPDATE test_time SET at = ${instant(at)}`);
    },
  };
}

function instant(ms: number): string {
  return `timestamptz '${new Date(ms).toISOString()}'`;
}

function appNow(select: string): string {
  return `CREATE OR REPLACE FUNCTION app_now() RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT ${select} $$`;
}
