import {
  createServer,
  type IncomingMessage,
  type RequestListener,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import { readFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import { systemClock } from '../clock.ts';
import { checkAllowEntry } from './outgoing-allow.ts';
import { createOutgoing, type Outgoing, type OutgoingOptions, type Resolve } from './outgoing.ts';
import { ActionError } from './task.ts';

/** The numbers are those of the list of hostile input: section "Outgoing", 36 to 63. */

const opened: { close(): unknown }[] = [];
afterEach(async () => {
  await Promise.all(opened.splice(0).map((one) => one.close()));
});

function outgoing(options: Partial<OutgoingOptions> = {}): Outgoing {
  const client = createOutgoing({ allow: [], clock: systemClock, ...options });
  opened.push(client);
  return client;
}

interface Receiver {
  readonly port: number;
  readonly url: string;
  readonly requests: { readonly headers: IncomingMessage['headers']; readonly body: string }[];
}

/** A receiver on loopback. Every request is recorded once its body has arrived. */
async function receive(
  answer: (response: ServerResponse, request: IncomingMessage) => void,
): Promise<Receiver> {
  const requests: Receiver['requests'] = [];
  const listener: RequestListener = (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      requests.push({ headers: request.headers, body: Buffer.concat(chunks).toString() });
      answer(response, request);
    });
  };
  const port = await listen(createServer(listener));
  return { port, url: `http://127.0.0.1:${port}/hook?x=1`, requests };
}

async function listen(server: Server): Promise<number> {
  opened.push({
    close: () =>
      new Promise((resolve) => {
        server.close(resolve);
        server.closeAllConnections();
      }),
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return (server.address() as AddressInfo).port;
}

async function failure(promise: Promise<unknown>): Promise<ActionError> {
  const error: unknown = await promise.then(
    () => new Error('was not refused'),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ActionError)) throw error;
  return error;
}

const POST = { headers: { 'content-type': 'application/json' }, body: '{}' };
const EVERYTHING_PUBLIC = ['hooks.example.com', '93.184.216.0/24'];

describe('nothing is reachable that is not listed', () => {
  test.each([
    ['36', 'http://127.0.0.1/'],
    ['37', 'http://127.1/'],
    ['38', 'http://2130706433/'],
    ['39', 'http://0x7f.1/'],
    ['40', 'http://0177.0.0.1/'],
    ['41', 'http://0/'],
    ['42', 'http://[::1]/'],
    ['43', 'http://[::ffff:127.0.0.1]/'],
    ['44', 'http://[::127.0.0.1]/'],
    ['45', 'http://１２７.0.0.1/'],
    ['46', 'http://169.254.169.254/latest/meta-data'],
    ['47', 'http://[fd00:ec2::254]/'],
    ['48', 'http://metadata.google.internal/'],
    ['49', 'http://app.internal/'],
    ['49', 'http://app.flycast/'],
    ['55', 'file:///etc/passwd'],
    ['55', 'data:text/plain,x'],
    ['55', 'gopher://hooks.example.com/'],
    ['55', 'ftp://hooks.example.com/'],
    ['56', 'http://user:pass@hooks.example.com/'],
    ['56', 'http://user@hooks.example.com/'],
    ['57', 'http://hooks.example.com/a\r\nX-Evil: 1'],
    ['57', 'http://hooks.example.com/\ta'],
    ['60', 'http://hooks.example.com:25/'],
    ['60', 'http://hooks.example.com:5432/'],
    ['60', 'http://hooks.example.com:6379/'],
    ['60', 'http://93.184.216.34:6379/'],
    ['-', 'http://hooks.example.com.evil.test/'],
    ['-', 'not a url'],
  ])('input %s: %s is refused and nothing is sent', async (_, url) => {
    const error = await failure(outgoing({ allow: EVERYTHING_PUBLIC }).post(url, POST));

    expect(error).toMatchObject({ reason: 'refused', notApplied: true });
  });

  test.each([
    ['50', ['10.0.0.1']],
    ['51', ['93.184.216.34', '10.0.0.1']],
    ['46', ['169.254.169.254']],
    ['-', ['::ffff:10.0.0.1']],
    ['-', ['64:ff9b::a00:1']],
    ['-', ['2002:a00:1::']],
    ['-', ['fd12::1']],
    ['-', ['100.64.0.1']],
    ['-', ['0.0.0.0']],
  ])('input %s: a listed name that resolves to %s is refused', async (_, addresses) => {
    const resolve: Resolve = (_name, callback) =>
      callback(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );

    const error = await failure(
      outgoing({ allow: EVERYTHING_PUBLIC, resolve }).post('http://hooks.example.com/', POST),
    );

    expect(error).toMatchObject({ reason: 'refused', notApplied: true });
    expect(error.message).toContain(addresses.at(-1));
  });

  test('input 52: a name that changes its address is checked again where the next socket opens', async () => {
    const receiver = await receive((response) => response.setHeader('connection', 'close').end('ok'));
    const answers = ['127.0.0.1', '10.0.0.1'];
    const resolve: Resolve = (_, callback) => callback(null, [{ address: answers.shift() ?? '', family: 4 }]);
    const client = outgoing({ allow: [`hooks.example.com:${receiver.port}`, '127.0.0.1'], resolve });
    const url = `http://hooks.example.com:${receiver.port}/`;

    const first = await client.post(url, POST);
    const second = await failure(client.post(url, POST));

    expect(first.status).toBe(200);
    expect(second).toMatchObject({ reason: 'refused', notApplied: true });
    expect(receiver.requests).toHaveLength(1);
  });

  test('a private range does not open the metadata service in it; its very address does', async () => {
    const url = 'http://169.254.169.254/';
    const range = await failure(outgoing({ allow: ['169.254.0.0/16'], timeoutMs: 1 }).post(url, POST));
    const exact = await failure(outgoing({ allow: ['169.254.169.254'], timeoutMs: 1 }).post(url, POST));

    expect(range.reason).toBe('refused');
    expect(exact.reason).not.toBe('refused');
  });

  test.each([302, 307])('inputs 53 and 54: a %i is not followed, whatever it points to', async (status) => {
    const other = await receive((response) => response.end());
    const receiver = await receive((response) => response.writeHead(status, { location: other.url }).end());
    const client = outgoing({ allow: [`127.0.0.1:${receiver.port}`, `127.0.0.1:${other.port}`] });

    const error = await failure(client.post(receiver.url, POST));

    expect(error).toMatchObject({ reason: 'refused', notApplied: false });
    expect(other.requests).toHaveLength(0);
  });

  test.each([
    ['X-A', 'a\r\nX-B: 1'],
    ['X-A\n', 'a'],
    ['Host', 'other.example.com'],
    ['transfer-encoding', 'chunked'],
  ])('input 57: the header %j: %j is refused', async (name, value) => {
    const receiver = await receive((response) => response.end());
    const client = outgoing({ allow: [`127.0.0.1:${receiver.port}`] });

    const error = await failure(client.post(receiver.url, { headers: { [name]: value }, body: '' }));

    expect(error).toMatchObject({ reason: 'refused', notApplied: true });
    expect(receiver.requests).toHaveLength(0);
  });

  test('input 63: a self-signed certificate is refused before anything is sent', async () => {
    const fixture = (name: string): Buffer =>
      readFileSync(new URL(`../vendors/http/fixtures/self-signed.${name}.pem`, import.meta.url));
    const port = await listen(createTlsServer({ key: fixture('key'), cert: fixture('cert') }));

    const error = await failure(
      outgoing({ allow: [`127.0.0.1:${port}`] }).post(`https://127.0.0.1:${port}/`, POST),
    );

    expect(error).toMatchObject({ reason: 'unreachable', notApplied: true });
  });
});

describe('what is listed is posted to', () => {
  test.each([
    ['its address and port', (port: number) => [`127.0.0.1:${port}`], '127.0.0.1'],
    ['a range with port', (port: number) => [`127.0.0.0/8:${port}`], '127.0.0.1'],
    ['another spelling of it', (port: number) => [`127.0.0.1:${port}`], '0x7f.1'],
    ['its name, and its address in a range', (port: number) => [`a.test:${port}`, '127.0.0.0/8'], 'a.test'],
    [
      'its name, and its address mapped into IPv6',
      (port: number) => [`a.test:${port}`, '::ffff:127.0.0.1'],
      'a.test',
    ],
  ])('by %s', async (_, allow, host) => {
    const receiver = await receive((response) => response.writeHead(201).end('thanks'));
    const resolve: Resolve = (_name, callback) => callback(null, [{ address: '127.0.0.1', family: 4 }]);
    const client = outgoing({ allow: allow(receiver.port), resolve });

    const answer = await client.post(`http://${host}:${receiver.port}/hook`, {
      headers: { 'webhook-id': 'step-1' },
      body: '{"a":1}',
    });

    expect(answer).toEqual({ status: 201, body: 'thanks', retryAfterMs: null });
    expect(receiver.requests).toEqual([
      { headers: expect.objectContaining({ 'webhook-id': 'step-1' }) as object, body: '{"a":1}' },
    ]);
  });

  test('a failing status is a value, with what Retry-After asks for', async () => {
    const receiver = await receive((response) => response.writeHead(503, { 'retry-after': '7' }).end('busy'));

    const answer = await outgoing({ allow: [`127.0.0.1:${receiver.port}`] }).post(receiver.url, POST);

    expect(answer).toEqual({ status: 503, body: 'busy', retryAfterMs: 7000 });
  });

  test('input 58: an endless answer is cut at 1 MiB', async () => {
    const receiver = await receive((response) => {
      const more = (): void => {
        while (response.write('x'.repeat(65_536)));
        response.once('drain', more);
      };
      more();
    });

    const answer = await outgoing({ allow: [`127.0.0.1:${receiver.port}`] }).post(receiver.url, POST);

    expect(answer.status).toBe(200);
    expect(answer.body).toHaveLength(1024 * 1024);
  });

  test('input 59: an answer that drips is ended by the total time, with an unknown outcome', async () => {
    const receiver = await receive((response) => {
      const drip = setInterval(() => response.write('x'), 10);
      response.on('close', () => clearInterval(drip));
    });

    const client = outgoing({ allow: [`127.0.0.1:${receiver.port}`], timeoutMs: 100 });
    const error = await failure(client.post(receiver.url, POST));

    expect(error).toMatchObject({ reason: 'timeout', notApplied: false });
  });
});

describe('whether something was sent is told exactly', () => {
  test('a refused connection: nothing was sent', async () => {
    const receiver = await receive((response) => response.end());
    await opened.pop()?.close();

    const error = await failure(outgoing({ allow: [`127.0.0.1:${receiver.port}`] }).post(receiver.url, POST));

    expect(error).toMatchObject({ reason: 'unreachable', notApplied: true });
  });

  test('a name that does not resolve: nothing was sent', async () => {
    const resolve: Resolve = (_, callback) => callback(new Error('ENOTFOUND'), []);

    const error = await failure(outgoing({ allow: ['a.test'], resolve }).post('http://a.test/', POST));

    expect(error).toMatchObject({ reason: 'unreachable', notApplied: true });
  });

  test('a connection that breaks after the request: the outcome is unknown', async () => {
    const receiver = await receive((response) => response.destroy());

    const error = await failure(outgoing({ allow: [`127.0.0.1:${receiver.port}`] }).post(receiver.url, POST));

    expect(error).toMatchObject({ reason: 'timeout', notApplied: false });
  });

  test('a post aborted while it waits for a free socket was never sent', async () => {
    const held: ServerResponse[] = [];
    const receiver = await receive((response) => void held.push(response));
    const client = outgoing({ allow: [`127.0.0.1:${receiver.port}`], connectionsPerHost: 1 });
    const first = client.post(receiver.url, POST);
    await expect.poll(() => receiver.requests.length).toBe(1);
    const abort = new AbortController();

    const second = failure(client.post(receiver.url, { ...POST, signal: abort.signal }));
    abort.abort();
    const error = await second;
    held[0]?.end('ok');

    expect(error).toMatchObject({ reason: 'timeout', notApplied: true });
    expect((await first).status).toBe(200);
    expect(receiver.requests).toHaveLength(1);
  });

  test('no message carries the query of a URL', async () => {
    const receiver = await receive((response) => response.destroy());

    const error = await failure(
      outgoing({ allow: [`127.0.0.1:${receiver.port}`] }).post(`${receiver.url}&token=geheim`, POST),
    );

    expect(error.message).not.toContain('geheim');
  });
});

test.each([
  ['hooks.example.com', null],
  ['hooks.example.com:8443', null],
  ['10.1.2.3', null],
  ['10.1.2.3:8080', null],
  ['10.0.0.0/8', null],
  ['[fd12::1]:8080', null],
  ['fd12::/16', null],
  ['http://hooks.example.com', expect.stringContaining('no host')],
  ['hooks.example.com/path', expect.stringContaining('no host')],
  ['10.0.0.0/33', expect.stringContaining('no host')],
  ['10.1.2', expect.stringContaining('no host')],
  ['a.test:0', expect.stringContaining('no host')],
  ['', expect.stringContaining('no host')],
])('the entry %j of http.allow is checked when the configuration is read', (entry, expected) => {
  expect(checkAllowEntry(entry)).toEqual(expected);
});
