import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ConfigError } from '../errors.ts';
import { run as check } from './check.ts';
import { run as explain } from './explain.ts';
import { run as match } from './match.ts';
import { run as runTests } from './test.ts';

/** check, test, match and explain: no database, and no configuration unless a test writes one. */

let folder: string;
let out: string[];
let errors: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'deskhand-offline-'));
  vi.stubEnv('DATABASE_URL', 'postgres://nobody@127.0.0.1:1/none');
  vi.stubEnv('DESKHAND_CONFIG', join(folder, 'deskhand.json'));
  vi.stubEnv('DESKHAND_RULES', folder);
  [out, errors] = [[], []];
  vi.spyOn(console, 'log').mockImplementation((line: string) => void out.push(line));
  vi.spyOn(console, 'error').mockImplementation((line: string) => void errors.push(line));
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    out.push(...String(text).trimEnd().split('\n'));
    return true;
  });
});
afterEach(async () => {
  vi.restoreAllMocks();
  vi.unstubAllEnvs();
  await rm(folder, { recursive: true, force: true });
});

const write = async (name: string, text: string): Promise<string> => {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
};
const writeRules = (...rules: readonly string[]): Promise<string> => write('rules.yaml', rules.join('---\n'));
const rule = (id: string, rest = ''): string =>
  `id: ${id}\nwhen: { title: { contains: vpn } }\nthen: [acknowledge]\n${rest}`;
// oxlint-disable-next-line typescript/no-explicit-any -- tests look into answers of every shape
const json = (): any => out.map((line) => JSON.parse(line));
/** Every message of the mistake that ends a command with exit code 2. */
const refusal = async (work: Promise<number>): Promise<string> => {
  const error: unknown = await work.catch((thrown: unknown) => thrown);
  return error instanceof ConfigError ? error.problems.map(({ message }) => message).join('\n') : 'none';
};

describe('check', () => {
  test('lists every mistake of every file with its place, and exits 1', async () => {
    await write('a.yaml', 'id: a\nwehn: {}\nthen: [acknowledge]\n');
    await write('b.yaml', 'id: b\nwhen: { titel: x }\nthen: [acknowledge]\n');

    expect(await check([])).toBe(1);
    expect(out.join('\n')).toContain(`${join(folder, 'a.yaml')}:2:1`);
    expect(out.join('\n')).toContain(`${join(folder, 'b.yaml')}:2:9`);
    expect(out.at(-1)).toContain('2 errors, 0 warnings');
  });

  test('exits 0 on warnings alone', async () => {
    await writeRules('id: a\nwhen: { title: { not: x } }\nthen: [acknowledge]\n');

    expect(await check(['--json'])).toBe(0);
    expect(json()).toEqual([
      { ok: true, rules: 1, problems: [expect.objectContaining({ severity: 'warning', line: 2 })] },
    ]);
  });

  test('warns of a desk whose address is http and not this machine (input 62)', async () => {
    await writeRules(rule('a'));
    const desk = (url: string): object => ({ vendor: 'jitbit', url, token: 'a-token-of-tests' });
    const config = await write(
      'deskhand.json',
      JSON.stringify({
        connections: {
          open: desk('http://desk.example.com'),
          safe: desk('https://desk.example.com'),
          proxied: desk('http://127.0.0.1:8080'),
        },
      }),
    );

    expect(await check(['--json'])).toBe(0);
    expect(json()[0].problems).toEqual([
      expect.objectContaining({ file: config, severity: 'warning', path: 'connections.open.url' }),
    ]);
  });
});

describe('test', () => {
  const TESTED = rule(
    'a',
    'tests: [{ event: { type: ticket.created, ticket: { title: wifi } }, expect: [acknowledge] }]\n',
  );

  test('prints the explanation of what fails, and exits 1', async () => {
    await writeRules(TESTED);

    expect(await runTests([])).toBe(1);
    expect(out.join('\n')).toContain('a, test 1 (line 4)');
    expect(out.join('\n')).toMatch(/✗.*title.*contains.*vpn.*wifi/);
    expect(out.at(-1)).toBe('0 passed, 1 failed');
  });

  test('exits 0 when all hold', async () => {
    await writeRules(TESTED.replace('wifi', 'VPN'));

    expect(await runTests(['--json'])).toBe(0);
    expect(json()).toEqual([{ passed: 1, failed: 0, findings: [] }]);
  });
});

describe('match', () => {
  const events = (...list: readonly object[]): Promise<string> =>
    write('events.ndjson', list.map((event) => `${JSON.stringify(event)}\n`).join('\n'));

  test('prints a line per event: its key or line, and the rules in order', async () => {
    await writeRules(
      rule('late', 'order: 9\n'),
      rule('off', 'mode: off\n'),
      rule('shadow', 'mode: shadow\norder: 1\nstop: true\n'),
      rule('other', 'on: comment.added\n'),
      rule('limited', 'limit: { per_ticket: 1/1h }\norder: 2\n'),
    );
    const file = await events(
      { type: 'ticket.created', key: 'created:7', ticket: { title: 'VPN' } },
      { type: 'ticket.created', ticket: { title: 'disk' } },
      { type: 'ticket.created', own: true, ticket: { title: 'vpn' } },
    );

    expect(await match(['--rules', folder, '--events', file, '--json'])).toBe(0);
    // Empty lines count as lines.
    expect(json()).toEqual([
      { event: 'created:7', rules: ['shadow', 'limited', 'late'] },
      { event: 3, rules: [] },
      { event: 5, rules: [] },
    ]);
  });

  test('now is --at, else when the event was observed', async () => {
    await writeRules(
      'id: a\non: ticket.updated\nwhen: { created_at: { older_than: 4h } }\nthen: [acknowledge]\n',
    );
    const file = await events({
      type: 'ticket.updated',
      observed_at: '2026-11-23T10:00:00Z',
      ticket: { created_at: '2026-11-23T07:00:00Z' },
    });

    await match(['--events', file, '--json']);
    await match(['--events', file, '--json', '--at', '2026-11-23T11:00:00Z']);

    expect(json().map(({ rules }: { rules: unknown }) => rules)).toEqual([[], ['a']]);
  });

  test('stop hides an event from later rules', async () => {
    await writeRules(rule('b'), rule('a', 'stop: true\n'));
    const file = await events({ type: 'ticket.created', ticket: { title: 'vpn' } });

    await match(['--events', file, '--json']);

    expect(json()).toEqual([{ event: 1, rules: ['a'] }]);
  });

  test('a list that only the configuration knows is unknown, and said so', async () => {
    await writeRules('id: a\nwhen: { requester: { in_list: vips } }\nthen: [acknowledge]\n');
    const file = await events({ type: 'ticket.created', ticket: { requester: 'ceo@acme.com' } });

    expect(await match(['--events', file, '--json'])).toBe(0);
    expect(json()).toEqual([{ event: 1, rules: [] }]);
    expect(errors.join('\n')).toContain('vips');
  });

  test('a set or an event that does not load ends it', async () => {
    await writeRules(rule('a'));
    const odd = await events({ type: 'ticket.created', tikcet: {} });
    expect(await refusal(match(['--events', odd]))).toContain('tikcet');

    await writeRules('id: a\nthen: [nope]\n');
    const good = await events({ type: 'ticket.created' });
    expect(await refusal(match(['--events', good]))).toContain('Unknown action "nope"');
    expect(await refusal(match(['--json']))).toContain('--events FILE is missing');
  });
});

describe('explain', () => {
  test('says what each condition wanted and got', async () => {
    await writeRules(rule('a'));
    const file = await write('event.json', '{ "type": "ticket.created", "ticket": { "title": "wifi" } }');

    expect(await explain(['--rule', 'a', '--event', file, '--json'])).toBe(0);
    expect(json()).toEqual([
      {
        rule: 'a',
        verdict: 'no match',
        reason: 'conditions',
        leaves: [
          expect.objectContaining({ path: 'title', operator: 'contains', got: 'wifi', truth: 'false' }),
        ],
      },
    ]);
    expect(await refusal(explain(['--rule', 'b', '--event', file]))).toContain('there is no rule "b"');
  });
});
