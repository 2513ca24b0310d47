import { randomUUID } from 'node:crypto';
import { connect } from 'node:net';
import { gzipSync } from 'node:zlib';
import { Hono } from 'hono';
import { sql } from 'kysely';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts';
import { NO_HANDS } from '../../test/support/hands.ts';
import { SILENT } from '../../test/support/silent-log.ts';
import { systemClock } from '../clock.ts';
import { seededRandom } from '../demo/simulators/support/random.ts';
import { openConnection } from '../connections.ts';
import { createReceiver, type Receiver } from '../ingest/receive.ts';
import { openDatabase, type Database } from '../record/database.ts';
import { createIdSource } from '../record/ids.ts';
import { createActiveRules } from '../rules/active.ts';
import { vendors } from '../vendors/registry.ts';
import { TICKET_KEYS } from '../vendors/webhook/plan.ts';
import { hookRoutes, type Hook } from './hooks.ts';
import { createMetrics } from './metrics.ts';
import { listen, type HttpServer } from './server.ts';

/** Numbers in the names are those of the hostile inputs. */

const LIMIT = 2_000;
let cloned: TestDatabase;
let database: Database;
let server: HttpServer;

let full: 'no' | 'full' = 'no';

beforeAll(async () => {
  cloned = await createTestDatabase();
  database = openDatabase({ url: cloned.url, poolSize: 4 });
  const active = createActiveRules(database, { lists: null, locales: {}, workingMs: null });
  const newId = createIdSource(() => Date.now());
  const real = createReceiver({
    database,
    store: { active, newId, now: () => Date.now() },
    hands: NO_HANDS,
    onRuns: () => undefined,
    onNominations: () => undefined,
    crash: () => undefined,
  });
  const receiver: Receiver = {
    ...real,
    receive: (delivery) =>
      full === 'full'
        ? Promise.resolve({ status: 503, reason: 'too many deliveries' })
        : real.receive(delivery),
  };
  const hooks = new Map<string, Hook>([
    ['open', await hook('open', 'webhook', { scheme: 'bearer', secrets: ['let-me-in'] })],
    ['keyed', await hook('keyed', 'webhook', { scheme: 'bearer', secrets: ['let-me-in'] }, KEYED)],
    ['mapped', await hook('mapped', 'webhook', { scheme: 'bearer', secrets: ['let-me-in'] }, MAPPED)],
    ['desk', await hook('desk', 'jitbit', { scheme: 'url-secret', secrets: ['s3cret'] })],
    ['closed', await hook('closed', 'webhook', null)],
  ]);
  const app = new Hono();
  app.route('/hooks', hookRoutes({ hooks, receiver, metrics: createMetrics(), now: () => Date.now() }));
  app.onError((_, c) => c.json({ error: { reason: 'internal', message: '' } }, 503));
  server = await listen(app, { host: '127.0.0.1', port: 0 });
});
afterAll(async () => {
  await server.close();
  await database.close();
  await cloned.drop();
});
beforeEach(async () => {
  full = 'no';
  await sql`TRUNCATE events, event_keys, deliveries, nominations`.execute(database.db);
});

const KEYED = {
  event: { type: '$.kind', key: '$.delivery' },
  ticket: { id: '$.alert.id', title: '$.alert.title' },
};

/** Every field of a ticket that can be mapped. */
const FIELDS = [...TICKET_KEYS, 'custom.tier'];
const MAPPED = {
  event: { type: '$.kind', key: '$.delivery' },
  ticket: Object.fromEntries(FIELDS.map((field) => [field, `$.ticket.${field.replace('.', '_')}`])),
};

async function hook(
  name: string,
  vendor: 'webhook' | 'jitbit',
  verify: Hook['verify'],
  settings: object = {},
): Promise<Hook> {
  const parsed =
    vendor === 'webhook'
      ? vendors.webhook.settings.parse(settings)
      : vendors.jitbit.settings.parse({ url: 'http://127.0.0.1:9', token: 't' });
  const connection = await openConnection(
    {
      name,
      vendor: vendors[vendor],
      settings: parsed,
      settleMs: 1_000,
      reference: 'auto',
      lateAfterMs: 900_000,
      poll: null,
      budget: null,
    },
    { database, clock: systemClock, log: SILENT },
  );
  return { connection, verify, maxBody: LIMIT };
}

interface Answer {
  readonly status: number;
  readonly body: { delivery?: string; duplicate?: boolean; error?: { reason: string; message: string } };
  readonly headers: Headers;
}

async function post(
  path: string,
  body: NonNullable<RequestInit['body']>,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const answer = await fetch(`http://127.0.0.1:${server.port}${path}`, {
    method: 'POST',
    body,
    headers: { authorization: 'Bearer let-me-in', 'content-type': 'application/json', ...headers },
  });
  return { status: answer.status, body: (await answer.json()) as Answer['body'], headers: answer.headers };
}

async function count(table: 'events' | 'deliveries' | 'nominations'): Promise<number> {
  const { rows } = await sql<{
    count: number;
  }>`SELECT count(*)::int AS count FROM ${sql.table(table)}`.execute(database.db);
  return rows[0]?.count ?? 0;
}

describe('a delivery', () => {
  test('is answered 202 with its id after it is committed', async () => {
    const answer = await post('/hooks/open', '{"a":1}');

    const { rows } = await sql<{ id: string; raw: Buffer }>`SELECT id, raw FROM events`.execute(database.db);
    expect(answer).toMatchObject({ status: 202, body: { delivery: rows[0]?.id, duplicate: false } });
    expect(rows[0]?.raw.toString()).toBe('{"a":1}');
  });

  test.each(['webhook-id', 'x-github-delivery', 'idempotency-key'])(
    '9: is a repeat by %s',
    async (header) => {
      const first = await post('/hooks/open', '{"a":1}', { [header]: 'd-1' });
      const second = await post('/hooks/open', '{"a":1}', { [header]: 'd-1' });

      expect(second).toMatchObject({ status: 200, body: { delivery: first.body.delivery, duplicate: true } });
      expect(await count('events')).toBe(1);
    },
  );

  test('10: with the same id and another body is a repeat all the same', async () => {
    await post('/hooks/open', '{"a":1}', { 'webhook-id': 'd-1' });

    expect((await post('/hooks/open', '{"a":2}', { 'webhook-id': 'd-1' })).status).toBe(200);
  });

  test('is a repeat by its event key as well as by its delivery id', async () => {
    await post('/hooks/keyed', '{"delivery":"k-1"}', { 'webhook-id': 'd-1' });

    const sameKey = await post('/hooks/keyed', '{"delivery":"k-1","more":1}', { 'webhook-id': 'd-2' });
    const sameId = await post('/hooks/keyed', '{"delivery":"k-2"}', { 'webhook-id': 'd-1' });

    expect([sameKey.status, sameId.status]).toEqual([200, 200]);
    expect(await count('events')).toBe(1);
  });

  test('without any id is a repeat of an equal body within a minute of the last accepted one', async () => {
    const ago = (seconds: number): Promise<unknown> =>
      sql`UPDATE event_keys SET seen_at = app_now() - ${seconds}::float8 * interval '1 second'`.execute(
        database.db,
      );
    const at0 = await post('/hooks/open', '{"a":1}');
    await ago(50);
    const at50 = await post('/hooks/open', '{"a":1}');
    await ago(100);
    const at100 = await post('/hooks/open', '{"a":1}');
    const rightAfter = await post('/hooks/open', '{"a":1}');

    expect([at0, at50, at100, rightAfter].map((answer) => answer.status)).toEqual([202, 200, 202, 200]);
    expect(rightAfter.body.delivery).toBe(at100.body.delivery);
  });

  test('takes its type from the body where that is a fit one', async () => {
    await post('/hooks/keyed', '{"delivery":"1","kind":"disk.full"}');
    await post('/hooks/keyed', '{"delivery":"2","kind":"Disk Full!"}');

    const { rows } = await sql<{ type: string }>`SELECT type FROM events ORDER BY id`.execute(database.db);
    expect(rows.map((row) => row.type)).toEqual(['disk.full', 'webhook.received']);
  });

  test('that the database has no room for is answered 503 with Retry-After', async () => {
    full = 'full';

    const answer = await post('/hooks/open', '{"a":1}');

    expect(answer.status).toBe(503);
    expect(answer.headers.get('retry-after')).toBe('2');
  });
});

describe('nudges', () => {
  test.each([
    ['{"ticketId":"12"}', 'application/json'],
    ['ticketId=12&x=1', 'application/x-www-form-urlencoded'],
    ['ticketId: 12', 'text/plain'],
  ])('%s as %s asks for the ticket', async (body, type) => {
    const answer = await post('/hooks/desk/s3cret', body, { 'content-type': type });

    expect(answer.status).toBe(202);
    const { rows } = await sql`SELECT ticket_id, via FROM nominations`.execute(database.db);
    expect(rows).toEqual([{ ticket_id: '12', via: 'webhook' }]);
  });

  test('that repeat still ask for a look', async () => {
    await post('/hooks/desk/s3cret', '{"ticketId":"12"}');
    await sql`TRUNCATE nominations`.execute(database.db);

    const again = await post('/hooks/desk/s3cret', '{"ticketId":"12"}');

    expect(again.status).toBe(200);
    expect(await count('nominations')).toBe(1);
  });

  test('that name no ticket are refused', async () => {
    expect((await post('/hooks/desk/s3cret', '{"subject":"x"}')).status).toBe(400);
  });
});

describe('refused', () => {
  test.each<[string, string, Record<string, string>, number]>([
    ['1: without a secret', '/hooks/open', { authorization: '' }, 401],
    ['2: with another secret', '/hooks/open', { authorization: 'Bearer no' }, 401],
    ['with a wrong secret in the address', '/hooks/desk/other', {}, 401],
    ['without one in the address', '/hooks/desk', {}, 401],
    ['where nothing is configured to prove it with', '/hooks/closed', {}, 401],
    ['29: with the secret in the query', '/hooks/desk?secret=s3cret', {}, 401],
    [
      '33: with a forged X-Forwarded-For',
      '/hooks/open',
      { authorization: '', 'x-forwarded-for': '127.0.0.1' },
      401,
    ],
    ['34: for an escaped path', '/hooks/..%2fadmin', {}, 404],
    ['34: for an empty segment', '/hooks//s3cret', {}, 404],
    ['34: for escaped dots', '/hooks/%2e%2e', {}, 404],
    ['34: for a bad escape', '/hooks/%zz', {}, 404],
    ['35: for an unknown connection', '/hooks/nobody', {}, 404],
    ['a form to a connection of JSON', '/hooks/open', { 'content-type': 'text/plain' }, 415],
    ['17: a compressed body', '/hooks/open', { 'content-encoding': 'gzip' }, 415],
  ])('%s', async (_, path, headers, status) => {
    const answer = await post(path, '{"ticketId":"1"}', headers).catch(() => null);

    expect(answer?.status ?? 404).toBe(status);
    expect((await count('events')) + (await count('nominations'))).toBe(0);
  });

  test.each([
    'null',
    '[]',
    '"x"',
    '1',
    '{"a":',
    '',
    '['.repeat(900),
    `{"a":${'['.repeat(900)}${']'.repeat(900)}}`,
  ])('19, 20, 26: a body that is no JSON object: %.20s', async (body) => {
    const answer = await post('/hooks/open', body);

    expect(answer).toMatchObject({ status: 400, body: { error: { reason: 'bad_body' } } });
    expect(await count('events')).toBe(0);
  });

  test('17: a gzip bomb is not even looked at', async () => {
    const bomb = gzipSync(Buffer.alloc(100_000, 97));

    expect((await post('/hooks/open', bomb, { 'content-encoding': 'gzip' })).status).toBe(415);
  });

  test.each([
    [LIMIT, 202],
    [LIMIT + 1, 413],
  ])('12: a body of %i bytes: %i', async (bytes, status) => {
    expect((await post('/hooks/open', `{"a":"${'x'.repeat(bytes - 8)}"}`)).status).toBe(status);
  });

  test('13: a stream that grows over the limit', async () => {
    const stream = new ReadableStream<Uint8Array>({
      pull(controller) {
        controller.enqueue(new Uint8Array(1_500).fill(97));
      },
    });
    const answer = await fetch(`http://127.0.0.1:${server.port}/hooks/open`, {
      method: 'POST',
      body: stream,
      duplex: 'half',
    } as RequestInit);

    expect(answer.status).toBe(413);
  });
});

describe('odd bodies', () => {
  test('18: bytes that are no UTF-8 are kept and parked', async () => {
    const answer = await post('/hooks/open', Buffer.from([0x7b, 0xff, 0x7d]));

    const { rows } = await sql<{ outcome: string; raw: Buffer }>`SELECT outcome, raw FROM deliveries`.execute(
      database.db,
    );
    expect(answer.status).toBe(202);
    expect(rows).toEqual([{ outcome: 'parked', raw: Buffer.from([0x7b, 0xff, 0x7d]) }]);
  });

  test.each([
    ['21: a key twice', '{"a":1,"a":2}'],
    ['22: __proto__ and constructor', '{"__proto__":{"x":1},"constructor":{"prototype":{"x":1}}}'],
    ['23: NUL', '{"alert":{"id":"1","title":"a\\u0000b"}}'],
    ['24: half a surrogate pair', '{"alert":{"id":"1","title":"\\ud83d"}}'],
    ['25: 1e400', '{"alert":{"id":"1","title":"x"},"n":1e400}'],
  ])('%s is stored', async (_, body) => {
    const answer = await post('/hooks/keyed', body, { 'webhook-id': randomUUID() });

    expect(answer.status).toBe(202);
    expect(await count('events')).toBe(1);
    expect(({} as Record<string, unknown>)['x']).toBeUndefined();
  });

  test('odd values in any place are taken, parked or refused, and never an error of ours', async () => {
    const random = seededRandom(3);
    const odd = [
      null,
      true,
      0,
      -1,
      1.5,
      1e308,
      '',
      'x',
      '\u0000',
      '\ud83d',
      'y'.repeat(600),
      '2026-13-45',
      [],
      {},
    ];
    const nested = [[null], ['\u0000'], { name: null }, { id: 0, name: '\u0000' }, { email: 'a@b', id: [] }];
    const value = (): unknown => random.pick<unknown>([...odd, ...nested]);
    const answers: Answer[] = [];
    for (let round = 0; round < 300; round += 1) {
      const some = FIELDS.filter((field) => field === 'id' || random.below(4) === 0);
      const ticket = Object.fromEntries(
        some.map((field) => [field.replace('.', '_'), field === 'id' && round % 3 > 0 ? round : value()]),
      );
      const body = { kind: random.below(3) === 0 ? value() : 'alert.fired', delivery: `${round}`, ticket };
      answers.push(await post('/hooks/mapped', JSON.stringify(body)));
    }

    const taken = answers.filter(({ status }) => status === 202);
    expect(answers.filter(({ status }) => status >= 500)).toEqual([]);
    expect(taken.length).toBeGreaterThan(150);
    expect((await count('events')) + (await count('deliveries'))).toBeGreaterThanOrEqual(taken.length);
  });

  test('25: a long integer as ticket id keeps its digits', async () => {
    await post('/hooks/keyed', '{"alert":{"id":9007199254740993}}');

    const { rows } = await sql`SELECT ticket_id FROM events`.execute(database.db);
    expect(rows).toEqual([{ ticket_id: '9007199254740993' }]);
  });

  test('23: one that the database cannot store is parked, and the others of its group are stored', async () => {
    const poison = '{"delivery":"p","alert":{"id":"a\\u0000b"}}';
    const bodies = ['{"delivery":"1"}', '{"delivery":"2"}', poison, '{"delivery":"3"}', '{"delivery":"4"}'];

    const answers = await Promise.all(bodies.map((body) => post('/hooks/keyed', body)));

    expect(answers.map((answer) => answer.status)).toEqual([202, 202, 202, 202, 202]);
    // One more tells of the parked one.
    expect(await count('events')).toBe(4 + 1);
    const { rows } = await sql<{ raw: Buffer; outcome: string }>`SELECT raw, outcome FROM deliveries`.execute(
      database.db,
    );
    expect(rows.map((row) => [row.raw.toString(), row.outcome])).toEqual([[poison, 'parked']]);
  });

  test('R15: however much is parked, people are told once', async () => {
    const poison = (id: string): Promise<{ readonly status: number }> =>
      post('/hooks/keyed', `{"delivery":"${id}","alert":{"id":"${id}\\u0000"}}`);

    await Promise.all(['p1', 'p2', 'p3'].map(poison));
    await post('/hooks/open', Buffer.from([0x7b, 0xff, 0x7d]));
    await post('/hooks/open', Buffer.from([0x7b, 0xfe, 0x7d]));

    const { rows } = await sql<{ connection: string }>`
      SELECT doc->>'connection' AS connection FROM events WHERE type = 'connection.degraded' ORDER BY 1`.execute(
      database.db,
    );
    expect(await count('deliveries')).toBe(5);
    expect(rows).toEqual([{ connection: 'keyed' }, { connection: 'open' }]);
  });
});

describe('on the wire', () => {
  /** Sends raw bytes. @returns the first line of the answer */
  function raw(text: string, holdMs = 0): Promise<string> {
    return new Promise((resolve, reject) => {
      const socket = connect(server.port, '127.0.0.1', () => socket.write(text));
      let answer = '';
      socket.on('data', (data) => {
        answer += data.toString();
        if (holdMs === 0) socket.end();
      });
      socket.on('close', () => resolve(answer.split('\r\n')[0] ?? ''));
      socket.on('error', reject);
    });
  }
  const HEAD =
    'POST /hooks/open HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer let-me-in\r\nContent-Type: application/json\r\n';

  test.each([
    ['14: Content-Length of 10 GB', `${HEAD}Content-Length: 10000000000\r\n\r\n{}`, 413],
    [
      '15: Content-Length and Transfer-Encoding',
      `${HEAD}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ['15: two Content-Lengths', `${HEAD}Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}`, 400],
    ['11: a header of 100 kB', `${HEAD}X-Signature: ${'a'.repeat(100_000)}\r\n\r\n`, 431],
  ])('%s is answered %i', async (_, text, status) => {
    expect(await raw(text)).toContain(` ${status} `);
  });

  test('16: slow headers and a slow body are answered 408 within 5 s', async () => {
    const startedAt = performance.now();

    const [headers, body] = await Promise.all([
      raw('POST /hooks/open HTT', 1),
      raw(`${HEAD}Content-Length: 20\r\n\r\n{"a":`, 1),
    ]);

    expect([headers, body]).toEqual(['HTTP/1.1 408 Request Timeout', 'HTTP/1.1 408 Request Timeout']);
    expect(performance.now() - startedAt).toBeLessThan(5_500);
  });
});
