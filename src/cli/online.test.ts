import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseConfig } from '../config.ts';
import { startJitbitDesk, type JitbitDesk } from '../demo/simulators/jitbit/jitbit-desk.ts';
import { vendors } from '../vendors/registry.ts';
import { checkOnline } from './online.ts';

let desk: JitbitDesk;
beforeAll(async () => {
  desk = await startJitbitDesk();
});
afterAll(() => desk.close());

test('every desk is asked once; what only receives is not', async () => {
  const text = [
    'connections:',
    `  good: { vendor: jitbit, url: "${desk.url}", token: "${desk.token}" }`,
    `  bad: { vendor: jitbit, url: "${desk.url}", token: "not-the-token" }`,
    '  mon: { vendor: webhook, verify: { scheme: bearer, secret: abcdefgh } }',
  ].join('\n');
  const config = parseConfig({ file: 'deskhand.yaml', text, env: {}, vendors });

  const checks = await checkOnline(config);

  expect(checks).toEqual([
    expect.objectContaining({ connection: 'good', ok: true, problem: null }),
    expect.objectContaining({ connection: 'bad', ok: false, problem: expect.any(String) }),
  ]);
  expect(JSON.stringify(checks)).not.toContain('not-the-token');
});
