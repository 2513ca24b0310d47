import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../../test/support/engine.ts';
import { ADMIN_TOKEN, createTestApi, type TestApi } from '../../../test/support/api.ts';
import { seededRandom } from '../../demo/simulators/support/random.ts';
import { describeApi } from './api.ts';

let engine: Engine;
let api: TestApi;
let known: readonly string[];

beforeAll(async () => {
  engine = await createEngine();
  api = createTestApi(engine);
  await engine.publish(
    'id: r\nname: r\non: [custom.test]\nthen: [{ http.post: { url: "https://nowhere.example/" } }]\n',
  );
  await engine.happen({ type: 'custom.test', ticketId: '7' });
  await engine.work();
  const { body: dead } = await api.call('GET', '/dead-letters');
  const { body: events } = await api.call('GET', '/events');
  const [{ step_id: step, run_id: run }] = dead.items;
  known = [step, run, events.items[0].id, 'r', 'acme', '7', events.next ?? 'none'];
});
afterAll(() => engine.close());

const ROUNDS = 60;
const ODD_TEXTS = [
  '',
  '0',
  '-1',
  '1e400',
  '9'.repeat(30),
  'NaN',
  '\u0000',
  '../../etc/passwd',
  "'; DROP TABLE steps; --",
  '%',
  'x'.repeat(5_000),
  '00000000-0000-0000-0000-000000000000',
  '2026-13-45T99:99:99Z',
  '+275760-09-13T00:00:00.001Z',
  '0001-01-01T00:00:00Z',
  'true',
  '[]',
] as const;
const ODD_VALUES = [
  null,
  true,
  0,
  -1,
  1.5,
  1e308,
  [],
  {},
  [null],
  [{}],
  { x: null },
  '\ud83d',
  ...ODD_TEXTS,
] as const;

interface Operation {
  readonly parameters?: readonly { readonly name: string; readonly in: string }[];
  readonly requestBody?: {
    readonly content: Readonly<Record<string, { readonly schema: { readonly properties?: object } }>>;
  };
}

/** Every operation of the description, so that a new one is asked too. */
function operations(): readonly (readonly [method: string, path: string, operation: Operation])[] {
  const { paths } = describeApi(api.app) as {
    readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
  };
  return Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => [method.toUpperCase(), path, operation] as const),
  );
}

test('odd values in any place of any request are refused or answered, and never an internal error', async () => {
  const random = seededRandom(11);
  const text = (): string => (random.below(2) === 0 ? random.pick(known) : random.pick(ODD_TEXTS));
  const value = (): unknown => (random.below(4) === 0 ? random.pick(known) : random.pick(ODD_VALUES));
  const failed: string[] = [];
  let asked = 0;
  for (const [method, path, { parameters = [], requestBody }] of operations()) {
    const fields = Object.keys(requestBody?.content['application/json']?.schema.properties ?? {});
    for (let round = 0; round < ROUNDS; round += 1) {
      const place = path.replaceAll(/\{\w+\}/g, () => encodeURIComponent(text()));
      const query = parameters
        .filter((one) => one.in === 'query' && random.below(2) === 0)
        .map(({ name }) => `${name}=${encodeURIComponent(text())}`);
      const some = fields.filter(() => random.below(3) > 0);
      const body =
        random.below(8) === 0 ? value() : Object.fromEntries(some.map((field) => [field, value()]));
      const response = await api.app.request(`${place}?${query.join('&')}`, {
        method,
        headers: { authorization: `Bearer ${ADMIN_TOKEN}`, 'content-type': 'application/json' },
        ...(method === 'GET' ? {} : { body: JSON.stringify(body) }),
      });
      asked += 1;
      const answer = await response.text();
      if (response.status >= 500)
        failed.push(`${method} ${place}?${query.join('&')} ${JSON.stringify(body)}: ${answer}`);
    }
  }

  expect(failed).toEqual([]);
  expect(asked).toBeGreaterThan(30 * ROUNDS);
});
