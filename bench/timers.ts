import { once } from 'node:events';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import pg from 'pg';
import { migrate } from '../src/record/migrate.ts';
import { ownFolder } from '../test/support/folder.ts';
import { startChild, type Child } from './processes.ts';

/**
 * How late timers fire while many are pending: tickets told of by webhooks become an hour old ten times a second, and
 * a rule posts each to a receiver. Lateness is counted from the moment itself to the stored event, and to the receiver.
 */
export interface TimersOptions {
  /** A server where databases may be created. */
  readonly databaseUrl: string;
  /** Timers that are armed for later. */
  readonly pending: number;
  /** Tickets whose moment comes. */
  readonly firing: number;
}

interface TimersResult {
  readonly fired: number;
  /** From the moment to the stored event, ms. */
  readonly stored: Quantiles;
  /** From the moment to the request at the receiver, ms. */
  readonly received: Quantiles;
}

interface Quantiles {
  readonly p50: number;
  readonly p99: number;
  readonly max: number;
}

const DATABASE = 'deskhand_bench_timers';
const PER_SECOND = 10;
const FIRST_IN_MS = 10_000;
const HOUR_MS = 3_600_000;

/** A line of the table. */
interface Lateness {
  readonly id: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly goal?: { readonly atMost: number };
}

/** Measures in a database of its own on that server. */
export async function timersBench(options: TimersOptions): Promise<readonly Lateness[]> {
  const server = new pg.Client({ connectionString: options.databaseUrl });
  await server.connect();
  await server.query(`DROP DATABASE IF EXISTS ${DATABASE} WITH (FORCE)`);
  await server.query(`CREATE DATABASE ${DATABASE}`);
  const url = new URL(options.databaseUrl);
  url.pathname = `/${DATABASE}`;
  try {
    await migrate(url.href);
    const { fired, stored, received } = await measure({ ...options, databaseUrl: url.href });
    const line = (name: string, value: number): Lateness => ({ id: '', name, value, unit: 'ms' });
    return [
      { ...line('timers that did not fire', options.firing - fired), unit: '', goal: { atMost: 0 } },
      line('timer to stored event, p50', stored.p50),
      line('timer to stored event, p99', stored.p99),
      { ...line('timer to stored event, most', stored.max), goal: { atMost: 1_000 } },
      line('timer to receiver, p50', received.p50),
      line('timer to receiver, p99', received.p99),
      line('timer to receiver, most', received.max),
    ];
  } finally {
    await server.query(`DROP DATABASE IF EXISTS ${DATABASE} WITH (FORCE)`);
    await server.end();
  }
}

async function measure(options: TimersOptions): Promise<TimersResult> {
  const folder = await ownFolder('deskhand-bench');
  const client = new pg.Client({ connectionString: options.databaseUrl });
  await client.connect();
  const latenesses: number[] = [];
  const receiver = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const event = JSON.parse(Buffer.concat(chunks).toString()) as { occurred_at: string };
      latenesses.push(Date.now() - Date.parse(event.occurred_at));
      response.end('ok');
    });
  });
  receiver.listen(0, '127.0.0.1');
  await once(receiver, 'listening');
  await writeSetup(folder, (receiver.address() as AddressInfo).port);
  const deskhand = await startChild(['--import', 'tsx', 'src/main.ts', 'serve'], {
    DATABASE_URL: options.databaseUrl,
    DESKHAND_CONFIG: join(folder, 'deskhand.yaml'),
    DESKHAND_RULES: join(folder, 'rules'),
    PORT: '0',
    LOG_LEVEL: 'info',
  });
  try {
    await armForLater(client, options.pending);
    const startAt = Date.now() + FIRST_IN_MS;
    for (let n = 0; n < options.firing; n += 1) await tell(deskhand, n, startAt + (n * 1_000) / PER_SECOND);
    const endAt = startAt + (options.firing * 1_000) / PER_SECOND + 30_000;
    while (latenesses.length < options.firing && Date.now() < endAt) {
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    const { rows } = await client.query<{ ms: number }>(
      `SELECT extract(epoch FROM observed_at - (doc->>'occurred_at')::timestamptz)::float8 * 1000 AS ms
         FROM events WHERE type = 'ticket.time'`,
    );
    return {
      fired: rows.length,
      stored: quantiles(rows.map((row) => row.ms)),
      received: quantiles(latenesses),
    };
  } finally {
    await deskhand.stop('SIGKILL');
    receiver.close();
    await client.end();
    await rm(folder, { recursive: true, force: true });
  }
}

/** Timers of other tickets, due from two hours on. */
async function armForLater(client: pg.Client, count: number): Promise<void> {
  await client.query(
    `INSERT INTO timers (connection_id, ticket_id, rule_id, due_at)
     SELECT c.id, 'later-' || n, 'old', app_now() + interval '2 hours' + n * interval '100 ms'
       FROM connections c, generate_series(1, $1::int) n WHERE c.name = 'monitoring'`,
    [count],
  );
  await client.query('ANALYZE timers');
}

async function tell(deskhand: Child, n: number, momentAt: number): Promise<void> {
  const body = { id: `bench-${n}`, title: 'bench', created: new Date(momentAt - HOUR_MS).toISOString() };
  const response = await fetch(`http://127.0.0.1:${deskhand.port}/hooks/monitoring/bench-secret`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
  await response.arrayBuffer();
  if (response.status !== 202) throw new Error(`the hook answered ${response.status}`);
}

async function writeSetup(folder: string, receiverPort: number): Promise<void> {
  await mkdir(join(folder, 'rules'));
  await writeFile(
    join(folder, 'deskhand.yaml'),
    `connections:
  monitoring:
    vendor: webhook
    verify: { scheme: url-secret, secret: bench-secret }
    ticket: { id: $.id, title: $.title, created_at: $.created }
http: { allow: ["127.0.0.1:${receiverPort}"] }
`,
  );
  await writeFile(
    join(folder, 'rules', 'bench.yaml'),
    `id: old
name: An hour old
on: [ticket.time]
when: { title: bench, created_at: { older_than: 1h } }
then: [{ http.post: { url: "http://127.0.0.1:${receiverPort}/in" } }]
`,
  );
}

function quantiles(values: readonly number[]): Quantiles {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (q: number): number => sorted[Math.min(sorted.length - 1, Math.floor(q * sorted.length))] ?? NaN;
  return { p50: at(0.5), p99: at(0.99), max: at(1) };
}
