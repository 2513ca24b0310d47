import { startJitbitDesk } from '../../src/demo/simulators/jitbit/jitbit-desk.ts';
import { startReceiver } from '../../src/demo/simulators/receiver.ts';
import { migrate } from '../../src/record/migrate.ts';
import { startCluster, type Cluster } from './cluster.ts';
import { allowReceiver, forwardRule, judgeForwarded } from './forwarded.ts';
import { startDatabaseProxy, type DatabaseProxy } from './proxy.ts';
import type { Server } from './process.ts';
import { createSenders, MONITORING, type Senders } from './senders.ts';
import { createStage, pause, until } from './stage.ts';
import { createDemands, type Demands, type Verdict } from './verdict.ts';

export interface OutageOptions {
  /** How long each outage lasts. */
  readonly outageMs: number;
}

/** Ways in which a database is away. */
interface Outage {
  readonly name: string;
  begin(): Promise<void>;
  end(): Promise<void>;
  /** False where the database still takes something: a disk that is nearly full. */
  readonly total: boolean;
}

const NOT_READY_WITHIN_MS = 5_000;
const BACK_WITHIN_MS = 10_000;
const COMMITS_BETWEEN_CUTS = 7;

/**
 * PostgreSQL killed, refusing, hanging, without room, and with connections cut between COMMIT and its answer (R5, R6),
 * under webhooks and tickets. Deskhand is never restarted: it must say 503 at once, be back by itself, and have lost
 * and doubled nothing.
 */
export async function outageScenario(options: OutageOptions): Promise<Verdict> {
  const cluster = await startCluster();
  const proxy = await startDatabaseProxy(() => cluster.port);
  const [receiver, desk] = await Promise.all([startReceiver(), startJitbitDesk({ rateLimit: 'off' })]);
  const directUrl = await cluster.url(cluster.port);
  await migrate(directUrl);
  const stage = await createStage({
    databaseUrl: directUrl,
    serverUrl: await cluster.url(proxy.port),
    config: `connections:${MONITORING}
  desk: { vendor: jitbit, url: "${desk.url}", token: "${desk.token}", poll: { tickets: 1s, reconcile: 1w }, settle: 2s, rate: 100000/m }
${allowReceiver(receiver.url)}`,
    rules: `${forwardRule(receiver.url)}---${TAKE}`,
  });
  const demands = createDemands();
  const tickets: number[] = [];
  try {
    await stage.baseline();
    const server = await stage.start();
    const senders = createSenders({ port: () => server.port, senders: 4, timeoutMs: 10_000 });
    const posting = postAlong(senders);
    const notes: string[] = [];
    for (const outage of outagesOf(cluster, proxy)) {
      tickets.push(desk.human.create({ subject: `torture ${outage.name}`, category: 'Network' }));
      notes.push(await oneOutage(outage, server, senders, options.outageMs, demands));
      tickets.push(desk.human.create({ subject: `torture after ${outage.name}`, category: 'Network' }));
    }
    await cutCommits(proxy, options.outageMs);
    notes.push(`${proxy.cuts} connections cut after COMMIT`);
    await posting.end();
    await until('every ticket was seen', 60_000, async () => {
      const seen = await stage.query("SELECT 1 FROM events WHERE type = 'ticket.created'");
      return seen.length >= tickets.length;
    });
    await stage.settled(120_000);
    const forwarded = await judgeForwarded(stage, senders, receiver);
    const comments = tickets.map((id) => desk.comments(id).length);
    return {
      scenario: 'the database away',
      killed: notes.length,
      acknowledged: forwarded.acknowledged + tickets.length,
      lost: forwarded.lost + comments.filter((count) => count === 0).length,
      twice: forwarded.twice + comments.filter((count) => count > 1).length,
      missed: demands.missed,
      note: `${notes.join('; ')}; ${forwarded.note}`,
    };
  } finally {
    await stage.close();
    await Promise.all([receiver.close(), desk.close(), proxy.close()]);
    await cluster.close();
  }
}

function outagesOf(cluster: Cluster, proxy: DatabaseProxy): readonly Outage[] {
  const killed = { name: 'killed', total: true, begin: () => cluster.kill(), end: () => cluster.start() };
  const refusing = { name: 'refusing', total: true, begin: () => proxy.refuse(), end: () => proxy.accept() };
  const hanging = { name: 'hanging', total: true, begin: () => cluster.freeze(), end: () => cluster.thaw() };
  const full = {
    name: 'disk full',
    total: false,
    begin: () => cluster.fill(),
    end: async () => {
      await cluster.free();
      // Without room for its log PostgreSQL ends; whoever runs it starts it again.
      await cluster.start();
    },
  };
  return cluster.ownDisk ? [killed, refusing, hanging, full] : [killed, refusing, hanging];
}

/** Keeps posting until told to end. */
function postAlong(senders: Senders): { end(): Promise<void> } {
  let over = false;
  function* ids(): Generator<string> {
    for (let next = 1; !over; next++) yield `outage-${next}`;
  }
  const posting = senders.post(ids());
  return {
    end() {
      over = true;
      return posting;
    },
  };
}

async function oneOutage(
  outage: Outage,
  server: Server,
  senders: Senders,
  outageMs: number,
  { demand }: Demands,
): Promise<string> {
  const health = watchHealth(server);
  await until('it takes deliveries', BACK_WITHIN_MS, () => health.ready);
  const beganAt = performance.now();
  await outage.begin();
  const before = new Map(senders.statuses);
  // Answers that were on their way.
  await pause(200);
  const acknowledged = senders.acknowledged.size;
  await pause(outageMs - 200);
  const taken = senders.acknowledged.size - acknowledged;
  const silent = (senders.statuses.get(0) ?? 0) - (before.get(0) ?? 0);
  const refused = (senders.statuses.get(503) ?? 0) - (before.get(503) ?? 0);
  const strange = [...senders.statuses.keys()].filter((status) => ![0, 200, 202, 503].includes(status));
  await outage.end();
  const endedAt = performance.now();
  const known = senders.acknowledged.size;
  await until(`deliveries are taken again after ${outage.name}`, 60_000, () => {
    return health.ready && senders.acknowledged.size > known;
  });
  const backMs = performance.now() - endedAt;
  health.stop();

  const { name } = outage;
  const notReadyMs = (health.notReadyAt ?? Infinity) - beganAt;
  if (outage.total) {
    demand(taken === 0, `${name}: ${taken} taken during the outage`);
    demand(notReadyMs < NOT_READY_WITHIN_MS, `${name}: not ready only after ${Math.round(notReadyMs)} ms`);
  }
  demand(silent === 0, `${name}: ${silent} deliveries got no answer`);
  demand(strange.length === 0, `${name}: answers ${strange.join(', ')}`);
  demand(senders.withoutRetryAfter === 0, `${name}: 503 without Retry-After`);
  demand(health.unhealthy === 0, `${name}: healthz failed ${health.unhealthy} times`);
  demand(backMs < BACK_WITHIN_MS, `${name}: back only after ${Math.round(backMs)} ms`);
  demand(server.running, `${name}: the process ended`);
  const notReady =
    health.notReadyAt === null ? 'ready all the time' : `not ready after ${Math.round(notReadyMs)} ms`;
  return `${name}: ${refused} answers 503, ${notReady}, back after ${Math.round(backMs)} ms`;
}

interface Health {
  readonly ready: boolean;
  /** When /readyz first said 503, performance.now(). */
  readonly notReadyAt: number | null;
  /** How often /healthz was not 200. */
  readonly unhealthy: number;
  stop(): void;
}

function watchHealth(server: Server): Health {
  const seen = { ready: false, notReadyAt: null as number | null, unhealthy: 0 };
  let over = false;
  const ask = async (path: string): Promise<number> => {
    const signal = AbortSignal.timeout(5_000);
    return fetch(`http://127.0.0.1:${server.port}/${path}`, { signal }).then(
      (response) => response.status,
      () => 0,
    );
  };
  const watch = async (): Promise<void> => {
    while (!over) {
      const [ready, healthy] = await Promise.all([ask('readyz'), ask('healthz')]);
      if (healthy !== 200) seen.unhealthy += 1;
      seen.ready = ready === 200;
      if (!seen.ready) seen.notReadyAt ??= performance.now();
      await pause(100);
    }
  };
  void watch();
  return Object.assign(seen, { stop: () => void (over = true) });
}

/** For a while, connections end between COMMIT and its answer. */
async function cutCommits(proxy: DatabaseProxy, forMs: number): Promise<void> {
  proxy.cutEveryNthCommit(COMMITS_BETWEEN_CUTS);
  await pause(forMs);
  proxy.cutEveryNthCommit(0);
}

const TAKE = `
id: take
name: Take it
on: [ticket.created]
when: { title: { contains: torture }, connection: desk }
then:
  - comment: { text: "Taken: {{ ticket.title }}" }
`;
