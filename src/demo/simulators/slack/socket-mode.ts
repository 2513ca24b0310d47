import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

import { isObject } from './method.ts';
import { acceptSocket, type ServerSocket } from './websocket.ts';

/** What the app answered to an envelope; null when the connection ended first or none was open. */
export type Acknowledgement = Readonly<Record<string, unknown>> | null;

/** Socket Mode: the app connects to us, we push envelopes, it acknowledges each by its id. */
export interface SocketMode {
  /** How many connections are open. */
  readonly open: () => number;
  /** Sends one envelope over the newest connection. */
  deliver(type: 'events_api' | 'interactive' | 'slash_commands', payload: unknown): Promise<Acknowledgement>;
  /** Asks all connections to come back (`disconnect`, as Slack does now and then), or breaks them. */
  disconnect(how: 'politely' | 'abruptly'): void;
  /** A one-time address for `apps.connections.open`. */
  newAddress(origin: string): string;
  upgrade(request: IncomingMessage, stream: Duplex): void;
}

export function createSocketMode(): SocketMode {
  const tickets = new Set<string>();
  const sockets: ServerSocket[] = [];
  const waiting = new Map<
    string,
    { readonly socket: ServerSocket; readonly settle: (answer: Acknowledgement) => void }
  >();
  let count = 0;

  const forget = (socket: ServerSocket): void => {
    const index = sockets.indexOf(socket);
    if (index >= 0) sockets.splice(index, 1);
    for (const [id, { socket: used, settle }] of waiting) {
      if (used !== socket) continue;
      waiting.delete(id);
      settle(null);
    }
  };
  const receive = (message: string): void => {
    const answer: unknown = JSON.parse(message);
    if (!isObject(answer)) return;
    const id = String(answer['envelope_id'] as string);
    waiting.get(id)?.settle(isObject(answer['payload']) ? answer['payload'] : {});
    waiting.delete(id);
  };
  return {
    open: () => sockets.length,
    newAddress: (origin) => {
      const ticket = `ticket-${++count}`;
      tickets.add(ticket);
      return `${origin.replace(/^http/, 'ws')}/link/?ticket=${ticket}`;
    },
    upgrade: (request, stream) => {
      const ticket = new URL(request.url ?? '/', 'ws://slack').searchParams.get('ticket') ?? '';
      // An address is good for one connection.
      if (!tickets.delete(ticket)) return void stream.end('HTTP/1.1 403 Forbidden\r\n\r\n');
      const socket: ServerSocket = acceptSocket(request, stream, {
        onText: receive,
        onClose: () => forget(socket),
      });
      sockets.push(socket);
      socket.send(
        JSON.stringify({
          type: 'hello',
          num_connections: sockets.length,
          connection_info: { app_id: 'A0DESKHAND' },
        }),
      );
    },
    deliver: (type, payload) =>
      new Promise((settle) => {
        const socket = sockets.at(-1);
        if (socket === undefined) return settle(null);
        const id = `envelope-${++count}`;
        waiting.set(id, { socket, settle });
        socket.send(
          JSON.stringify({
            envelope_id: id,
            type,
            payload,
            accepts_response_payload: true,
            retry_attempt: 0,
          }),
        );
      }),
    disconnect: (how) => {
      for (const socket of sockets) {
        if (how === 'abruptly') socket.destroy();
        else socket.send(JSON.stringify({ type: 'disconnect', reason: 'refresh_requested' }));
      }
    },
  };
}
