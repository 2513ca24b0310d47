import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A desk of twenty lines, over real HTTP: tickets with a title, a queue and notes. */
export interface ToyDesk {
  readonly url: string;
  readonly key: string;
  readonly tickets: Map<number, ToyTicket>;
  close(): Promise<void>;
}

export interface ToyTicket {
  readonly no: number;
  title: string;
  queue: string;
  readonly opened: string;
  readonly notes: string[];
}

export async function startToyDesk(): Promise<ToyDesk> {
  const key = 'toy-key';
  const tickets = new Map<number, ToyTicket>();
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const answer = (status: number, body: unknown): void => {
        response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body));
      };
      if (request.headers['x-key'] !== key) return answer(401, 'who are you?');
      const [, no, notes] = /^\/tickets(?:\/(\d+)(\/notes)?)?$/.exec(request.url ?? '') ?? [];
      if (no === undefined) return answer(200, [...tickets.values()]);
      const ticket = tickets.get(Number(no));
      if (ticket === undefined) return answer(404, 'no such ticket');
      if (notes === undefined) return answer(200, ticket);
      const { text } = JSON.parse(Buffer.concat(chunks).toString()) as { text: string };
      return answer(201, { id: ticket.notes.push(text) });
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const close = (): Promise<void> =>
    new Promise((resolve) => {
      server.close(() => resolve());
      server.closeAllConnections();
    });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, key, tickets, close };
}
