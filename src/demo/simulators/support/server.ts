import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';

import type { Clock } from '../../../clock.ts';
import { createCallLog, type Call, type Calls } from './calls.ts';
import { createFaults, type ArmedFault, type Faults } from './faults.ts';
import { readCall } from './read-call.ts';
import { Refusal, text, type Reply } from './reply.ts';
import { damaged, refusing, send } from './wire.ts';

/** The part of {@link Clock} a simulator needs: the time of its own server. */
export type DeskClock = Pick<Clock, 'now'>;

/** A function that runs before a request is looked at: the place where people change things between two requests. */
export type RequestHook = (call: Call) => void | Promise<void>;

export interface SimulatorOptions {
  readonly clock: DeskClock;
  /** Path before the endpoints, e.g. `/helpdesk/api`; other paths are 404. */
  readonly base: string;
  /** Answers a request; throws a {@link Refusal} to answer early. */
  readonly handle: (call: Call) => Reply | Promise<Reply>;
  /** Compresses answers when the client asks for gzip (default false). */
  readonly gzip?: boolean;
  /** Takes over connections that ask for another protocol; without it they are closed. */
  readonly upgrade?: (request: IncomingMessage, stream: Duplex) => void;
}

/** What every simulator offers. */
export interface Simulator {
  /** `http://127.0.0.1:<port>`, without any path. */
  readonly origin: string;
  readonly calls: Calls;
  readonly faults: Faults;
  /** Set to change things between any two requests, also in the middle of paging. */
  beforeEachRequest: RequestHook | null;
  /** Ends all connections, also held and hanging ones. */
  close(): Promise<void>;
}

/** A server on a free port of 127.0.0.1 with a call log and a fault switch around one handler. */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  const log = createCallLog();
  const faults = createFaults();
  const server = createServer((request, response) => {
    response.sendDate = false;
    // The vendor's clock, not ours: clients measure skew by this header.
    response.setHeader('date', new Date(options.clock.now()).toUTCString());
    serve(request, response).catch(() => response.destroy());
  });

  const upgraded = new Set<Duplex>();
  server.on('upgrade', (request, stream) => {
    upgraded.add(stream);
    stream.on('close', () => upgraded.delete(stream));
    if (options.upgrade === undefined) stream.destroy();
    else options.upgrade(request, stream);
  });
  // Longer than any test: an idle connection closed by us would look like a fault nobody asked for.
  server.keepAliveTimeout = 120_000;

  const serve = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const call = log.add(await readCall(request, options));
    await simulator.beforeEachRequest?.(call);
    await answer(call, faults.take(call), response, options);
  };
  const simulator: Simulator = {
    origin: '',
    calls: log,
    faults,
    beforeEachRequest: null,
    close: async () => {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      for (const stream of upgraded) stream.destroy();
      faults.clear();
      await closed;
    },
  };
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return Object.assign(simulator, { origin: `http://127.0.0.1:${port}` });
}

async function answer(
  call: Call,
  fault: ArmedFault | null,
  response: ServerResponse,
  options: SimulatorOptions,
): Promise<void> {
  call.fault = fault?.kind ?? null;
  const zip = options.gzip === true && (call.headers['accept-encoding'] ?? '').includes('gzip');
  const stop = await before(call, fault, response, options);
  if (stop !== null) return finish(call, response, stop, fault, zip);
  const reply = await handled(call, options);
  const instead = await after(call, fault, response);
  if (instead === 'gone') return;
  finish(call, response, instead ?? reply, fault, zip);
}

/** Faults before the request takes effect; returns the answer that replaces it, or null to go on. */
async function before(
  call: Call,
  fault: ArmedFault | null,
  response: ServerResponse,
  options: SimulatorOptions,
): Promise<Reply | 'gone' | null> {
  if (fault === null) return null;
  if (fault.kind === 'reset_before') return reset(response);
  const applied = 'applied' in fault && fault.applied === true;
  if (fault.kind === 'latency' && !applied) await delay(fault.ms);
  if (fault.kind === 'gate' && !applied) {
    fault.reached(call);
    await fault.open;
  }
  if (fault.kind === 'hang') {
    if (applied) await handled(call, options);
    return 'gone';
  }
  return applied ? null : refusing(fault);
}

/** Faults after the request took effect. */
async function after(
  call: Call,
  fault: ArmedFault | null,
  response: ServerResponse,
): Promise<Reply | 'gone' | null> {
  if (fault === null) return null;
  if (fault.kind === 'reset_after') return reset(response);
  const applied = 'applied' in fault && fault.applied === true;
  if (!applied) return null;
  if (fault.kind === 'latency') await delay(fault.ms);
  if (fault.kind === 'gate') {
    fault.reached(call);
    await fault.open;
  }
  return refusing(fault);
}

async function handled(call: Call, options: SimulatorOptions): Promise<Reply> {
  call.handled = true;
  try {
    return await options.handle(call);
  } catch (error) {
    if (error instanceof Refusal) return error.reply;
    return text(`simulator failed: ${error instanceof Error ? error.stack : String(error)}`, 500);
  }
}

function finish(
  call: Call,
  response: ServerResponse,
  reply: Reply | 'gone',
  fault: ArmedFault | null,
  zip: boolean,
): void {
  if (reply === 'gone' || response.destroyed) return;
  call.status = reply.status;
  send(response, damaged(reply, fault), fault, zip);
}

function reset(response: ServerResponse): 'gone' {
  response.socket?.resetAndDestroy();
  return 'gone';
}

function delay(ms: number): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, ms).unref());
}
