import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { drive, median, startBenchFile, startChild, type Child, type LoadResult } from './processes.ts';

/**
 * P1, P2, P3 and memory: durable accept against the floors, alternating in one run, then delivery end to end. The
 * peers' job: 1 KB webhook, priority at least urgent and category Network, half match, `http.post` to a receiver.
 */
export interface AcceptOptions {
  readonly databaseUrl: string;
  readonly rounds: number;
  readonly seconds: number;
}

export interface AcceptResult {
  readonly parse: number;
  readonly insert: number;
  readonly accept: number;
  readonly acceptP50: number;
  readonly acceptP99: number;
  readonly deliveredPerSecond: number;
  readonly drainSeconds: number;
  readonly steadyP50: number;
  readonly steadyP99: number;
  readonly idleMb: number;
  readonly loadedMb: number;
  readonly startMs: number;
}

const CONNECTIONS = 32;

export async function acceptBench(options: AcceptOptions): Promise<AcceptResult> {
  const folder = await mkdtemp(join(tmpdir(), 'deskhand-bench-'));
  const sink = await startBenchFile('sink.ts');
  await writeSetup(folder, sink.port);
  const parse = await startBenchFile('floors.ts', ['parse']);
  const insert = await startBenchFile('floors.ts', ['insert'], { DATABASE_URL: options.databaseUrl });
  const deskhand = await startChild(['dist/main.js', 'serve'], {
    DATABASE_URL: options.databaseUrl,
    DESKHAND_CONFIG: join(folder, 'deskhand.yaml'),
    DESKHAND_RULES: join(folder, 'rules'),
    PORT: '0',
    LOG_LEVEL: 'info',
  });
  const children = [sink, parse, insert, deskhand];
  try {
    const idleMb = await deskhand.memoryMb();
    const rounds: {
      parse: LoadResult;
      insert: LoadResult;
      ours: LoadResult;
      delivered: number;
      drain: number;
    }[] = [];
    let loadedMb = idleMb;
    await drive(hook(deskhand), CONNECTIONS, 1);
    await drained(options.databaseUrl);
    for (let round = 0; round < options.rounds; round++) {
      const floorParse = await drive(`http://127.0.0.1:${parse.port}/in`, CONNECTIONS, options.seconds);
      const floorInsert = await drive(`http://127.0.0.1:${insert.port}/in`, CONNECTIONS, options.seconds);
      await fetch(`http://127.0.0.1:${sink.port}/reset`);
      const ours = await drive(hook(deskhand), CONNECTIONS, options.seconds);
      const delivered = await received(sink);
      loadedMb = Math.max(loadedMb, await deskhand.memoryMb());
      const drain = await drained(options.databaseUrl);
      rounds.push({
        parse: floorParse,
        insert: floorInsert,
        ours,
        delivered: delivered / options.seconds,
        drain,
      });
      console.log(
        `round ${round + 1}: parse ${floorParse.perSecond.toFixed(0)}/s, insert ${floorInsert.perSecond.toFixed(0)}/s, ` +
          `ours ${ours.perSecond.toFixed(0)}/s (p50 ${ours.p50.toFixed(1)}, p99 ${ours.p99.toFixed(1)} ms, ${ours.errors} errors), ` +
          `delivered ${(delivered / options.seconds).toFixed(0)}/s while loaded, drained in ${drain.toFixed(1)} s`,
      );
    }
    await fetch(`http://127.0.0.1:${sink.port}/reset`);
    await drive(hook(deskhand), CONNECTIONS, options.seconds, 200);
    await drained(options.databaseUrl);
    const steady = (await (await fetch(`http://127.0.0.1:${sink.port}/`)).json()) as {
      p50: number;
      p99: number;
    };
    return {
      parse: median(rounds.map((round) => round.parse.perSecond)),
      insert: median(rounds.map((round) => round.insert.perSecond)),
      accept: median(rounds.map((round) => round.ours.perSecond)),
      acceptP50: median(rounds.map((round) => round.ours.p50)),
      acceptP99: median(rounds.map((round) => round.ours.p99)),
      deliveredPerSecond: median(rounds.map((round) => round.delivered)),
      drainSeconds: median(rounds.map((round) => round.drain)),
      steadyP50: steady.p50,
      steadyP99: steady.p99,
      idleMb,
      loadedMb,
      startMs: deskhand.readyMs,
    };
  } finally {
    await Promise.all(children.map((child) => child.stop('SIGKILL')));
    await rm(folder, { recursive: true, force: true });
  }
}

function hook(deskhand: Child): string {
  return `http://127.0.0.1:${deskhand.port}/hooks/monitoring/bench-secret`;
}

async function writeSetup(folder: string, sinkPort: number): Promise<void> {
  await mkdir(join(folder, 'rules'));
  await writeFile(
    join(folder, 'deskhand.yaml'),
    `connections:
  monitoring:
    vendor: webhook
    verify: { scheme: url-secret, secret: bench-secret }
    ticket: { id: $.alert.id, title: $.alert.title, priority: $.alert.severity, category: $.alert.group }
http: { allow: ["127.0.0.1:${sinkPort}"] }
`,
  );
  const others = Array.from(
    { length: 99 },
    (_, n) => `id: other-${n}
name: Other ${n}
on: [webhook.received]
when: { category: Area ${n}, title: { contains: "needle ${n}" }, priority: { at_least: high } }
then: [{ http.post: { url: "http://127.0.0.1:${sinkPort}/other" } }]
`,
  );
  const forward = `id: forward
name: Urgent network alerts
on: [webhook.received]
when: { priority: { at_least: urgent }, category: Network }
then: [{ http.post: { url: "http://127.0.0.1:${sinkPort}/in" } }]
`;
  await writeFile(join(folder, 'rules', 'bench.yaml'), [forward, ...others].join('---\n'));
}

async function received(sink: Child): Promise<number> {
  const answer = (await (await fetch(`http://127.0.0.1:${sink.port}/`)).json()) as { count: number };
  return answer.count;
}

/** Seconds until no step is left. */
async function drained(databaseUrl: string): Promise<number> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  const startedAt = performance.now();
  try {
    while (performance.now() - startedAt < 120_000) {
      const { rowCount } = await client.query('SELECT 1 FROM lanes LIMIT 1');
      if (rowCount === 0) break;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return (performance.now() - startedAt) / 1000;
  } finally {
    await client.end();
  }
}
