import { createServer } from 'node:http';

/**
 * The other end of `http.post`. On GET it says how many posts came since the last reset, how many of them for the
 * first time (by `webhook-id`), how long after the delivery was sent, and when the first one came.
 */
const seen = new Set<string>();
const lags: number[] = [];
let count = 0;
let repeated = 0;
let firstAt: number | null = null;
const server = createServer((request, response) => {
  if (request.method === 'GET') {
    const sorted = lags.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
    response.end(JSON.stringify({ count, repeated, firstAt, p50: at(0.5), p99: at(0.99) }));
    if (request.url === '/reset') {
      lags.length = 0;
      count = 0;
      repeated = 0;
      firstAt = null;
    }
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const sentAt = /"sent_at":(\d+)/.exec(Buffer.concat(chunks).toString('latin1'))?.[1];
    const id = String(request.headers['webhook-id']);
    firstAt ??= Date.now();
    count += 1;
    if (seen.has(id)) repeated += 1;
    else if (sentAt !== undefined) lags.push(Date.now() - Number(sentAt));
    seen.add(id);
    response.end('{}');
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () =>
  console.log(JSON.stringify({ port: (server.address() as { port: number }).port })),
);
