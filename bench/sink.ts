import { createServer } from 'node:http';

/** The other end of `http.post`: counts, and on GET says how many came and how long after they were sent. */
const lags: number[] = [];
let count = 0;
const server = createServer((request, response) => {
  if (request.method === 'GET') {
    const sorted = lags.toSorted((a, b) => a - b);
    const at = (share: number): number => sorted[Math.floor(sorted.length * share)] ?? 0;
    response.end(JSON.stringify({ count, p50: at(0.5), p99: at(0.99) }));
    if (request.url === '/reset') {
      lags.length = 0;
      count = 0;
    }
    return;
  }
  const chunks: Buffer[] = [];
  request.on('data', (chunk: Buffer) => chunks.push(chunk));
  request.on('end', () => {
    const sentAt = /"sent_at":(\d+)/.exec(Buffer.concat(chunks).toString('latin1'))?.[1];
    if (sentAt !== undefined) lags.push(Date.now() - Number(sentAt));
    count += 1;
    response.end('{}');
  });
});
server.keepAliveTimeout = 60_000;
server.listen(0, '127.0.0.1', () =>
  console.log(JSON.stringify({ port: (server.address() as { port: number }).port })),
);
