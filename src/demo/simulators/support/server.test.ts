import { once } from 'node:events';
import { request, type IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { until } from '../../../../test/support/until.ts';

import type { Fault } from './faults.ts';
import { json } from './reply.ts';
import { startSimulator, type Simulator } from './server.ts';

let close: () => Promise<void> = async () => undefined;
afterEach(() => close());

async function start(): Promise<{ server: Simulator; handled: string[] }> {
  const handled: string[] = [];
  const server = await startSimulator({
    clock: { now: () => Date.parse('2026-11-23T12:00:00Z') },
    base: '/api',
    gzip: true,
    handle: (call) => {
      handled.push(call.name);
      return json({ name: call.name, text: 'ğüş', fields: [...call.params] });
    },
  });
  close = () => server.close();
  return { server, handled };
}

async function raw(url: string, headers: Record<string, string> = {}): Promise<IncomingMessage> {
  const sent = request(url, { headers }).end();
  const [response] = (await once(sent, 'response')) as [IncomingMessage];
  return response;
}

describe('a simulator', () => {
  it('logs what arrived, in lower case below its base, with query and form together', async () => {
    const { server } = await start();

    await fetch(`${server.origin}/api/Ticket/12?a=1&b=2`, {
      method: 'POST',
      body: new URLSearchParams({ b: '3' }),
    });
    const form = new FormData();
    form.append('id', '7');
    form.append('uploadFile', new Blob(['x']), 'file.txt');
    await fetch(`${server.origin}/api/comment`, { method: 'POST', body: form });

    const [first, second] = server.calls.all;
    expect(first).toMatchObject({
      number: 1,
      method: 'POST',
      path: '/api/Ticket/12',
      name: 'ticket/12',
      status: 200,
      handled: true,
    });
    expect([...(first?.params ?? [])]).toEqual([
      ['a', '1'],
      ['b', '2'],
      ['b', '3'],
    ]);
    expect([...(second?.params ?? [])]).toEqual([
      ['id', '7'],
      ['uploadFile', 'file.txt'],
    ]);
    expect(server.calls.named('post COMMENT')).toHaveLength(1);
  });

  it("tells its own clock's time and compresses when asked", async () => {
    const { server } = await start();

    const plain = await raw(`${server.origin}/api/x`);
    const packed = await raw(`${server.origin}/api/x`, { 'accept-encoding': 'gzip' });

    expect(plain.headers.date).toBe('Mon, 23 Nov 2026 12:00:00 GMT');
    expect(plain.headers['content-encoding']).toBeUndefined();
    expect(packed.headers['content-encoding']).toBe('gzip');
    plain.resume();
    packed.resume();
  });

  it('runs the hook before each request takes effect', async () => {
    const { server, handled } = await start();
    server.beforeEachRequest = (call) => void handled.push(`before ${call.name}`);

    await fetch(`${server.origin}/api/a`);

    expect(handled).toEqual(['before a', 'a']);
  });
});

describe('faults', () => {
  it('queue up for matching requests and go before lasting ones', async () => {
    const { server } = await start();
    const stop = server.faults.always('a', { kind: 'status', status: 500 });
    server.faults.next(/^GET a/, { kind: 'status', status: 501 });
    server.faults.next((call) => call.params.has('x'), { kind: 'status', status: 502 }, 2);
    const status = async (path: string): Promise<number> =>
      (await fetch(`${server.origin}/api/${path}`)).status;

    expect([
      await status('a'),
      await status('a'),
      await status('b?x'),
      await status('b?x'),
      await status('b?x'),
    ]).toEqual([501, 500, 502, 502, 200]);
    stop();
    expect(await status('a')).toBe(200);
  });

  it('take effect or not as they say', async () => {
    const { server, handled } = await start();
    const faults: readonly Fault[] = [
      { kind: 'status', status: 500 },
      { kind: 'status', status: 500, applied: true },
      { kind: 'too_many', applied: true },
      { kind: 'bad_gateway' },
    ];
    for (const fault of faults) server.faults.next('*', fault);

    const statuses: number[] = [];
    for (const name of ['a', 'b', 'c', 'd'])
      statuses.push((await fetch(`${server.origin}/api/${name}`)).status);

    expect(statuses).toEqual([500, 500, 429, 502]);
    expect(handled).toEqual(['b', 'c']);
  });

  it('can apply a request whose client has given up, or leave it hanging', async () => {
    const { server, handled } = await start();
    server.faults.next('a', { kind: 'hang', applied: true });
    server.faults.next('b', { kind: 'hang' });

    const client = new AbortController();
    const given = ['a', 'b'].map((name) =>
      fetch(`${server.origin}/api/${name}`, { signal: client.signal }).catch(() => 'gave up'),
    );
    await until('the request', () => handled.length > 0);
    client.abort();

    expect(await Promise.all(given)).toEqual(['gave up', 'gave up']);
    expect(handled).toEqual(['a']);
  });

  it('hold a request after it took effect', async () => {
    const { server, handled } = await start();
    const held = server.faults.hold('a', 'after');

    const waiting = fetch(`${server.origin}/api/a`);
    await held.arrived;
    expect(handled).toEqual(['a']);
    server.faults.clear();

    expect((await waiting).status).toBe(200);
  });

  it('send the body byte by byte', async () => {
    const { server } = await start();
    server.faults.next('a', { kind: 'trickle', everyMs: 1 });

    const body = await (await fetch(`${server.origin}/api/a`)).text();

    expect(body).toContain('ğüş');
    server.faults.next('a', { kind: 'truncated' });
    await expect((await fetch(`${server.origin}/api/a`)).json()).rejects.toThrow(SyntaxError);
    server.faults.next('a', { kind: 'wrong_charset', encoding: 'utf16le' });
    expect(await (await fetch(`${server.origin}/api/a`)).text()).not.toContain('name');
  });
});
