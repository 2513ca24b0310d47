import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest';
import { createEngine, type Engine } from '../../test/support/engine.ts';
import { ConfigError } from '../errors.ts';
import { run as ack } from './ack.ts';
import { run as backtest } from './backtest.ts';
import { run as deadLetters } from './dead-letters.ts';
import { run as pause } from './pause.ts';
import { run as replay } from './replay.ts';
import { run as resume } from './resume.ts';
import { run as snooze } from './snooze.ts';
import { run as status } from './status.ts';
import { run as uncertain } from './uncertain.ts';
import { run as why } from './why.ts';

let engine: Engine;
let folder: string;
let said: string[] = [];

beforeAll(async () => {
  engine = await createEngine();
  folder = await mkdtemp(join(tmpdir(), 'deskhand-cli-'));
  const config = join(folder, 'deskhand.yaml');
  await writeFile(
    config,
    'connections:\n  acme: { vendor: webhook, verify: { scheme: bearer, secret: abcdefgh } }\n',
  );
  vi.stubEnv('DATABASE_URL', engine.url);
  vi.stubEnv('DESKHAND_CONFIG', config);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
  await engine.close();
});
beforeEach(async () => {
  await engine.clear();
  said = [];
  vi.spyOn(console, 'log').mockImplementation((line: string) => {
    said.push(line);
  });
});
afterEach(() => vi.restoreAllMocks());

const RULE =
  'id: r\nname: r\non: [custom.test]\nwhen: { connection: acme }\nthen:\n  - http.post: { url: "https://nowhere.example/" }\n';

// oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
const json = (): any => JSON.parse(said.at(-1) ?? 'null');

async function deadLetter(): Promise<string> {
  await engine.publish(RULE);
  await engine.happen({ type: 'custom.test', key: 'k1', ticketId: '7' });
  await engine.work();
  await deadLetters(['list', '--json']);
  return json()[0].step_id;
}

describe('dead-letters', () => {
  test('are listed as an array, and for people as a table', async () => {
    const step = await deadLetter();
    expect(json()).toEqual([expect.objectContaining({ step_id: step, rule: 'r', ticket_id: '7' })]);

    expect(await deadLetters(['list'])).toBe(0);
    expect(said.at(-1)).toContain('http.post');
    expect(said.at(-1)).toContain(step);
  });

  test('are retried and skipped beside a running worker', async () => {
    const step = await deadLetter();

    expect(await deadLetters(['retry', step])).toBe(0);
    expect((await engine.steps())[0]?.state).toBe('pending');
    await engine.work();
    expect((await engine.steps())[0]?.state).toBe('dead');
    expect(await deadLetters(['skip', '--all', '--json'])).toBe(0);
    expect(json()).toEqual([expect.objectContaining({ state: 'skipped' })]);
  });

  test('that do not exist, and verbs that do not, are mistakes of the call', async () => {
    await expect(deadLetters(['retry', 'nothing'])).rejects.toBeInstanceOf(ConfigError);
    await expect(deadLetters(['retry'])).rejects.toBeInstanceOf(ConfigError);
    await expect(deadLetters(['remove'])).rejects.toBeInstanceOf(ConfigError);
  });
});

test('status exits 1 while something needs a person, and says what', async () => {
  await engine.publish(RULE);
  const well = await status([]);
  await deadLetter();

  const bad = await status(['--json']);

  expect([well, bad]).toEqual([0, 1]);
  expect(said[0]).toContain('All is well.');
  expect(json()).toMatchObject({
    ok: false,
    queue: { dead: 1, uncertain: 0 },
    attention: ['1 dead letters: deskhand dead-letters list'],
    connections: [{ name: 'acme', state: 'ok' }],
  });
});

test('why tells the verdict of every rule, the run and its attempt', async () => {
  await engine.publish(
    `${RULE}---\nid: other\nname: o\non: [custom.test]\nwhen: { title: { contains: vpn } }\nthen: [{ acknowledge: {} }]\n`,
  );
  await engine.happen({ type: 'custom.test', ticketId: '7' });
  await engine.work();

  expect(await why(['acme', '7'])).toBe(0);
  expect(said.at(-1)).toContain('✓ r: all conditions hold');
  expect(said.at(-1)).toContain('✗ other: conditions');
  expect(said.at(-1)).toContain('title contains "vpn", got null');
  expect(said.at(-1)).toMatch(/attempt 1 at .*: refused/);
  await expect(why(['acme', 'none'])).rejects.toBeInstanceOf(ConfigError);
});

test('replay makes new runs of a stored event', async () => {
  await engine.publish(RULE);
  await engine.happen({ type: 'custom.test', key: 'k1', ticketId: '7' });

  expect(await replay(['--event', 'k1', '--json'])).toBe(0);
  expect(json()).toMatchObject({ events: 1, runs: [{ rule: 'r', replay_no: 1, state: 'active' }] });
  expect(await replay(['--since', '1h'])).toBe(0);
  await expect(replay(['--event', 'k1', '--since', '1h'])).rejects.toBeInstanceOf(ConfigError);
});

test('pause and resume stop a rule, a connection, or every action', async () => {
  await engine.publish(RULE);

  await pause(['rule', 'r', '--json']);
  await engine.store.active.refresh();
  await engine.happen({ type: 'custom.test' });
  await resume(['rule', 'r', '--discard', '--json']);
  const discarded = json();
  await pause(['connection', 'acme']);
  await pause(['--all']);
  await status(['--json']);
  const stopped = json();
  await resume(['--all']);
  await resume(['connection', 'acme']);

  expect(discarded).toMatchObject({ rule: 'r', discarded: 1, released: 0 });
  expect(stopped).toMatchObject({ paused: 'paused by a person', connections: [{ paused: true }] });
  expect(await status([])).toBe(0);
  await expect(pause(['rule', 'none'])).rejects.toBeInstanceOf(ConfigError);
  await expect(pause([])).rejects.toBeInstanceOf(ConfigError);
  await expect(resume(['--all', '--release'])).rejects.toBeInstanceOf(ConfigError);
});

test('uncertain is an empty array where nothing is', async () => {
  expect(await uncertain(['list', '--json'])).toBe(0);
  expect(json()).toEqual([]);
});

test('backtest reads a file of drafts', async () => {
  await engine.publish(RULE);
  await engine.happen({ type: 'custom.test', ticketId: '7' });
  const file = join(folder, 'draft.yaml');
  await writeFile(file, RULE.replace('custom.test', 'custom.other'));

  expect(await backtest([file, '--since', '1d', '--json'])).toBe(0);
  expect(json().rules[0]).toMatchObject({ rule: 'r', matches: 0, difference: { removed: 1, added: 0 } });
  await expect(backtest([file])).rejects.toBeInstanceOf(ConfigError);
});

describe('attention', () => {
  const ESCALATION =
    'id: esc\nname: esc\non: [custom.test]\nthen: [{ wait: 15m }, { slack.post: { channel: "#noc", text: hello } }]\n';

  test('ack ends the runs that wait, once', async () => {
    await engine.publish(ESCALATION);
    await engine.happen({ type: 'custom.test', ticketId: '7' });
    await engine.work();

    expect(await ack(['acme', '7', '--by', 'nora@acme.com', '--json'])).toBe(0);
    expect(json()).toMatchObject({ changed: true, ended_runs: 1 });
    expect(await engine.runs()).toEqual([
      expect.objectContaining({ state: 'ended', reason: 'acknowledged by nora@acme.com' }),
    ]);
    await ack(['acme', '7', '--json']);
    expect(json()).toMatchObject({ changed: false, ended_runs: 0 });
    await expect(ack(['acme', 'none'])).rejects.toBeInstanceOf(ConfigError);
  });

  test('snooze keeps quiet until then, and --off ends it', async () => {
    await engine.publish(ESCALATION.replace('{ wait: 15m }, ', ''));
    await engine.happen({ type: 'custom.test', ticketId: '8' });

    expect(await snooze(['acme', '8', '--until', '2h', '--json'])).toBe(0);
    expect(Date.parse(json().snoozed_until) - Date.now()).toBeGreaterThan(7_100_000);
    await engine.work();
    expect((await engine.steps())[0]).toMatchObject({ state: 'postponed' });
    expect((await engine.steps())[0]?.reason).toMatch(/^snoozed until /);
    await snooze(['acme', '8', '--off', '--json']);
    expect(json()).toMatchObject({ snoozed_until: null });
    await expect(snooze(['acme', '8', '--until', 'soon'])).rejects.toBeInstanceOf(ConfigError);
  });
});
