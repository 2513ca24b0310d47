import { readFileSync } from 'node:fs';
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { VendorError } from '../../errors.ts';
import { ContractClock, contractContext, ContractIo, vendorFailure } from '../../../test/vendor-contract.ts';
import {
  createVendorHttp,
  encodeParams,
  type VendorCall,
  type VendorHttp,
  type VendorHttpOptions,
} from './client.ts';

/** What all vendors rely on and the contract cannot show; the rest is in test/vendor-contract.ts. */

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

async function serve(listener: RequestListener, tls = false): Promise<string> {
  const server: Server = tls
    ? createTlsServer({ key: fixture('key'), cert: fixture('cert') }, listener)
    : createServer(listener);
  opened.push({
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `${tls ? 'https' : 'http'}://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function fixture(name: string): string {
  return readFileSync(new URL(`./fixtures/self-signed.${name}.pem`, import.meta.url), 'utf8');
}

const io = new ContractIo(new ContractClock());

function client(baseUrl: string, options: Partial<VendorHttpOptions> = {}): VendorHttp {
  const http = createVendorHttp({
    vendor: { id: 'acmedesk', name: 'AcmeDesk' },
    baseUrl,
    headers: { authorization: 'Bearer top-secret-token' },
    secrets: ['top-secret-token'],
    io,
    ...options,
  });
  opened.push(http);
  return http;
}

const GET = { method: 'GET', path: 'rows' } as const;

test('gzip is asked for and undone, and long ids stay exact', async () => {
  const origin = await serve((request, response) => {
    const body = gzipSync(`{"id":9007199254740993,"path":"${request.url}"}`);
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(body);
  });

  const answer = await client(`${origin}/base/`).call(
    { ...GET, query: { a: 'x y', b: [1, 2] } },
    contractContext(),
  );

  expect(answer.json()).toEqual({ id: '9007199254740993', path: '/base/rows?a=x+y&b=1&b=2' });
});

test('a gzip bomb is refused before it is unpacked', async () => {
  const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
  const origin = await serve((_, response) =>
    response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
  );

  const error = await vendorFailure(client(origin).call(GET, contractContext()));

  expect(error).toMatchObject({ reason: 'unreadable' });
});

test('an answer of more than 16 MiB is refused', async () => {
  const origin = await serve((_, response) => response.end(Buffer.alloc(17 * 1024 * 1024, 'x')));

  const error = await vendorFailure(client(origin).call(GET, contractContext()));

  expect(error).toMatchObject({
    reason: 'unreadable',
    message: expect.stringContaining('too large') as string,
  });
});

test('one byte at a time does not outlive the total time of a read, nor of a write', async () => {
  const origin = await serve((_, response) => {
    const drip = setInterval(() => response.write(' '), 5);
    response.on('close', () => clearInterval(drip));
  });
  const http = client(origin, { readTimeoutMs: 60, writeTimeoutMs: 60 });

  const read = await vendorFailure(http.call(GET, contractContext()));
  const write = await vendorFailure(
    http.call({ method: 'POST', path: 'rows', form: { a: 1 } }, contractContext()),
  );

  expect(read).toMatchObject({ reason: 'timeout', notApplied: false });
  expect(write).toMatchObject({ reason: 'timeout', notApplied: false });
});

test('a self-signed certificate is refused before anything is sent; with its authority configured it is trusted', async () => {
  const origin = await serve((_, response) => response.end('{}'), true);

  const refused = await vendorFailure(client(origin).call(GET, contractContext()));
  const trusted = await client(origin, { ca: fixture('cert') }).call(GET, contractContext());

  expect(refused).toMatchObject({ reason: 'timeout', notApplied: true });
  expect(trusted.json()).toEqual({});
});

test('a redirect is not followed, and its target shown without its query', async () => {
  let calls = 0;
  const origin = await serve((_, response) => {
    calls += 1;
    response.writeHead(302, { location: 'https://login.test/sign-in?ticket=top-secret-token' }).end();
  });

  const error = await vendorFailure(client(origin).call(GET, contractContext()));

  expect(calls).toBe(1);
  expect(error.reason).toBe('unreadable');
  expect(error.message).toBe('AcmeDesk GET rows: a redirect to https://login.test/sign-in: wrong url?');
});

test("the vendor's clock is told with each answer", async () => {
  const origin = await serve((_, response) => {
    response.writeHead(200, { date: 'Mon, 23 Nov 2026 09:00:00 GMT' }).end('{}');
  });

  const answer = await client(origin).call(GET, contractContext());

  expect(answer.serverNow).toBe(Date.parse('2026-11-23T09:00:00Z'));
});

test('answers that become slow as a whole bring a silence and a finding', async () => {
  const clock = new ContractClock();
  const slowIo = new ContractIo(clock);
  let tookMs = 100;
  const origin = await serve((_, response) => {
    clock.ms += tookMs;
    response.end('{}');
  });
  const http = client(origin, { io: slowIo });

  for (let call = 0; call < 20; call += 1) await http.call(GET, contractContext());
  tookMs = 3_000;
  for (let call = 0; call < 10; call += 1) await http.call(GET, contractContext());

  expect(slowIo.silences).toEqual([{ inMs: 30_000, reason: 'slow answers', overLimit: false }]);
  expect(slowIo.warnings).toHaveLength(1);
});

test.each([
  ['poll', 50_000, true],
  ['poll', 70_000, false],
  ['action', 10_000, true],
  ['action', 16_000, false],
] as const)('a %s call whose turn comes in %i ms is made: %s', async (lane, inMs, made) => {
  const clock = new ContractClock();
  const turnAt = clock.now() + inMs;
  const busy = new ContractIo(clock);
  busy.spend = async () => {
    if (clock.now() >= turnAt) return;
    throw new VendorError('no budget left', {
      reason: 'rate_limited',
      vendor: 'acmedesk',
      connection: 'acme',
      retryAt: turnAt,
      notApplied: true,
    });
  };
  let calls = 0;
  const origin = await serve((_, response) => {
    calls += 1;
    response.end('{}');
  });

  const outcome = await client(origin, { io: busy })
    .call(GET, { ...contractContext(), lane })
    .catch((error: unknown) => error);

  expect(calls).toBe(made ? 1 : 0);
  expect(outcome instanceof VendorError ? outcome.reason : 'made').toBe(made ? 'made' : 'rate_limited');
});

test('a write whose process was frozen while it waited for its turn is not made', async () => {
  const clock = new ContractClock();
  const frozen = new ContractIo(clock);
  frozen.spend = async () => void (clock.ms += 20_000);
  let calls = 0;
  const origin = await serve((_, response) => {
    calls += 1;
    response.end('{}');
  });
  const write = { method: 'POST', path: 'rows', form: { a: 1 } } as const;

  const failure = await vendorFailure(client(origin, { io: frozen }).call(write, contractContext()));

  expect(failure).toMatchObject({ reason: 'timeout', notApplied: true });
  expect(calls).toBe(0);
});

test('calls that are queued behind a refused password are not made', async () => {
  let calls = 0;
  const origin = await serve((_, response) => {
    calls += 1;
    response.writeHead(401).end();
  });
  const quiet = new ContractIo(new ContractClock());
  const http = client(origin, { io: quiet, authSilenceMs: 360_000 });

  const first = await vendorFailure(http.call(GET, contractContext()));
  const second = await vendorFailure(http.call(GET, contractContext()));
  quiet.clock.ms += 360_000;
  const third = await vendorFailure(http.call(GET, contractContext()));

  expect([first.reason, second.reason, third.reason]).toEqual(['auth', 'rate_limited', 'auth']);
  expect(second).toMatchObject({ notApplied: true, retryAt: first.retryAt });
  expect(calls).toBe(2);
});

test('a silence that cannot be stored does not replace the answer', async () => {
  const failing = new ContractIo(new ContractClock());
  failing.silence = () => Promise.reject(new Error('no database'));
  const origin = await serve((_, response) => response.writeHead(429).end());

  const error = await vendorFailure(client(origin, { io: failing }).call(GET, contractContext()));

  expect(error.reason).toBe('rate_limited');
  expect(failing.warnings).toHaveLength(1);
});

describe('a desk that answers nobody', () => {
  /** Answers as told by the path: `hang`, `cut`, a status, or `{}`. */
  const desk = (): Promise<string> =>
    serve((request, response) => {
      const [, wish = ''] = (request.url ?? '').split('/');
      if (wish === 'hang') return;
      if (wish === 'cut') return void request.socket.destroy();
      response.writeHead(wish === 'rows' ? 200 : Number(wish)).end('{}');
    });
  const get = (path: string): VendorCall => ({ method: 'GET', path });

  test.each(['cut', '502', '503', '504'])('is let alone after three calls in a row: %s', async (wish) => {
    const quiet = new ContractIo(new ContractClock());
    const http = client(await desk(), { io: quiet });

    const failures = [];
    for (let call = 0; call < 3; call += 1)
      failures.push(await vendorFailure(http.call(get(wish), contractContext())));
    const fourth = await vendorFailure(http.call(get('rows'), contractContext()));
    quiet.clock.ms += 15_000;
    const afterwards = await http.call(get('rows'), contractContext());

    expect(failures.map(({ retryAt }) => retryAt)).toEqual([undefined, undefined, fourth.retryAt]);
    expect(fourth).toMatchObject({ reason: 'rate_limited', notApplied: true });
    expect(quiet.silences).toEqual([{ inMs: 15_000, reason: 'the desk does not answer', overLimit: false }]);
    expect(afterwards.status).toBe(200);
  });

  test('is let alone too where calls hang', async () => {
    const quiet = new ContractIo(new ContractClock());
    const http = client(await desk(), { io: quiet, readTimeoutMs: 10 });

    for (let call = 0; call < 3; call += 1) await vendorFailure(http.call(get('hang'), contractContext()));

    expect(quiet.silences).toHaveLength(1);
  });

  test.each(['500', '400'])('is not one that answers %s, nor one that answers in between', async (status) => {
    const quiet = new ContractIo(new ContractClock());
    const http = client(await desk(), { io: quiet });

    for (const path of [status, status, status, '502', '502', status, '502', '502'])
      await vendorFailure(http.call(get(path), contractContext()));

    expect(quiet.silences).toEqual([]);
  });

  test('is not one where single calls hang that began before others were answered', async () => {
    const quiet = new ContractIo(new ContractClock());
    const hanging: IncomingMessage[] = [];
    let arrived = (): void => undefined;
    const allArrived = new Promise<void>((resolve) => (arrived = resolve));
    const origin = await serve((request, response) => {
      if (request.url !== '/hang') return void response.end('{}');
      if (hanging.push(request) === 3) arrived();
    });
    const http = client(origin, { io: quiet });

    const calls = [1, 2, 3].map(() => vendorFailure(http.call(get('hang'), contractContext())));
    await allArrived;
    quiet.clock.ms += 1;
    await http.call(get('rows'), contractContext());
    for (const request of hanging) request.socket.destroy();
    const failures = await Promise.all(calls);

    expect(failures.map(({ reason }) => reason)).toEqual(['timeout', 'timeout', 'timeout']);
    expect(failures.map(({ retryAt }) => retryAt)).toEqual([undefined, undefined, undefined]);
    expect(quiet.silences).toEqual([]);
  });

  test('is not noticed by calls that we ended ourselves', async () => {
    const quiet = new ContractIo(new ContractClock());
    const http = client(await desk(), { io: quiet });

    for (let call = 0; call < 3; call += 1)
      await vendorFailure(http.call(get('hang'), contractContext(AbortSignal.timeout(10))));

    expect(quiet.silences).toEqual([]);
  });
});

test('fields are encoded as a form: lists as repeated keys, missing ones left out', () => {
  expect(encodeParams({ a: true, b: ['x&y', 2], c: undefined, d: '' })).toBe('a=true&b=x%26y&b=2&d=');
});

test('a failure told in the body comes before the status, and silences everybody', async () => {
  const quiet = new ContractIo(new ContractClock());
  const silentUntil = quiet.clock.now() + 60_000;
  const origin = await serve((_, response) => response.writeHead(200).end('{"code":"E902"}'));
  const http = client(origin, {
    io: quiet,
    failureIn: (_, text) =>
      text.includes('E902')
        ? { reason: 'rate_limited', notApplied: true, message: 'over for top-secret-token', silentUntil }
        : null,
  });

  const error = await vendorFailure(http.call(GET, contractContext()));

  expect(error).toMatchObject({
    reason: 'rate_limited',
    notApplied: true,
    status: 200,
    retryAt: silentUntil,
  });
  expect(error.message).not.toContain('top-secret');
  expect(quiet.silences).toEqual([
    { inMs: 60_000, reason: expect.stringContaining('over') as string, overLimit: true },
  ]);
});
