import { Agent, request } from 'node:http';

/**
 * The load, in a process of its own: `tsx bench/driver.ts URL CONNECTIONS SECONDS [PER_SECOND]`. Loopback only,
 * bounded in time. Prints one line of JSON.
 */
const [url = '', connections = '32', seconds = '5', perSecond] = process.argv.slice(2);
const target = new URL(url);
if (target.hostname !== '127.0.0.1') throw new Error('the driver posts to 127.0.0.1 only');

const agent = new Agent({ keepAlive: true, maxSockets: Number(connections) });
const latencies: number[] = [];
let errors = 0;
let next = 0;
const run = `${process.pid}`;
const padding = 'x'.repeat(700);

/** About 1 KB; every second one matches the bench rule (priority at least urgent, category Network). */
function body(n: number): string {
  const severity = n % 2 === 0 ? 'urgent' : 'low';
  return JSON.stringify({
    alert: {
      id: `${run}-${n}`,
      title: `Switch ${n} is unreachable`,
      severity,
      group: 'Network',
      text: padding,
    },
    sent_at: Date.now(),
  });
}

function post(): Promise<void> {
  const n = (next += 1);
  const text = body(n);
  const startedAt = performance.now();
  return new Promise((resolve) => {
    const call = request(
      target,
      {
        method: 'POST',
        agent,
        headers: {
          'content-type': 'application/json',
          'content-length': Buffer.byteLength(text),
          'webhook-id': `${run}-${n}`,
        },
      },
      (response) => {
        response.resume();
        response.on('end', () => {
          if (response.statusCode === 202 || response.statusCode === 200)
            latencies.push(performance.now() - startedAt);
          else errors += 1;
          resolve();
        });
      },
    );
    call.on('error', () => {
      errors += 1;
      resolve();
    });
    call.end(text);
  });
}

const endAt = performance.now() + Number(seconds) * 1000;
const startedAt = performance.now();
if (perSecond === undefined) {
  const worker = async (): Promise<void> => {
    while (performance.now() < endAt) await post();
  };
  await Promise.all(Array.from({ length: Number(connections) }, worker));
} else {
  const open: Promise<void>[] = [];
  for (let due = startedAt; due < endAt; due += 1000 / Number(perSecond)) {
    const wait = due - performance.now();
    if (wait > 1) await new Promise((resolve) => setTimeout(resolve, wait));
    open.push(post());
  }
  await Promise.all(open);
}
const took = (performance.now() - startedAt) / 1000;
latencies.sort((a, b) => a - b);
const at = (share: number): number => latencies[Math.floor(latencies.length * share)] ?? 0;
console.log(
  JSON.stringify({
    perSecond: latencies.length / took,
    count: latencies.length,
    errors,
    p50: at(0.5),
    p99: at(0.99),
  }),
);
agent.destroy();
