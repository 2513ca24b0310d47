import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { type Config, loadConfig, loadEnvironment, loadSetup, parseConfig, parseDuration } from './config.ts';
import { ConfigError, formatProblem } from './errors.ts';
import { vendors } from './vendors/registry.ts';

const ENV = {
  JITBIT_TOKEN: 'jt-0123456789',
  JITBIT_HOOK: 'hook-0123456789',
  MON_SECRET: 'whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz',
  SLACK_BOT_TOKEN: 'xoxb-1',
  EMPTY: '',
};

const MINIMAL = `connections:
  acme:
    vendor: jitbit
    url: https://acme.jitbit.com/helpdesk
    token: \${JITBIT_TOKEN}
`;

const parse = (text: string, env: Record<string, string> = ENV): Config =>
  parseConfig({ file: 'deskhand.yaml', text, env, vendors });

function mistakes(text: string, env: Record<string, string> = ENV): string[] {
  try {
    parse(text, env);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map(formatProblem);
  }
}

describe('a right configuration', () => {
  test('of one connection gets the defaults', () => {
    const config = parse(MINIMAL);

    expect(config).toMatchObject({
      slack: null,
      lists: {},
      http: { allow: [] },
      retention: { eventsMs: 90 * 86_400_000, attemptsMs: 90 * 86_400_000, keysMs: 400 * 86_400_000 },
      heartbeatUrl: null,
    });
    expect(config.connections).toMatchObject([
      {
        name: 'acme',
        vendor: { id: 'jitbit' },
        settings: { url: 'https://acme.jitbit.com/helpdesk', token: 'jt-0123456789' },
        poll: null,
        budget: null,
        settleMs: 30_000,
        reference: 'auto',
        lateAfterMs: 900_000,
        maxBody: 1_048_576,
        locale: null,
        verify: null,
      },
    ]);
  });

  test('of many parts is read whole', () => {
    const config = parse(`
connections:
  acme-jitbit:
    vendor: jitbit
    url: https://acme.jitbit.com/helpdesk
    token: \${JITBIT_TOKEN}
    poll: { tickets: 90s }
    rate: 60/m
    settle: 1m
    reference: never
    late_after: 1h30m
    max_body: 512KiB
    locale: tr
    time_zone: Europe/Istanbul
    webhook_secret: ["\${JITBIT_HOOK}", old-secret]
    names: { status: { 9: On hold } }
    phases: { On hold: waiting }
  monitoring:
    vendor: webhook
    verify: { scheme: standard-webhooks, secret: "\${MON_SECRET}" }
    ticket: { id: $.alert.id, title: $.alert.title }
    event: { type: $.kind, key: $.delivery }
slack:
  bot_token: \${SLACK_BOT_TOKEN}
  signing_secret: abc123
  api_url: http://127.0.0.1:9999/api
  operations_channel: "#desk-ops"
  settle: 5s
  allowed_groups: [S012AB]
  users: { U012ABC: nora@acme.com }
lists: { vips: [ceo@acme.com, 4711] }
http: { allow: [Hooks.example.com, "10.1.2.3:8080", 10.0.0.0/8, "[fd00::1]:443"] }
retention: { events: 30d }
heartbeat_url: https://hc.example.com/abc
`);

    expect(config.connections).toMatchObject([
      {
        poll: { tickets: 90_000 },
        budget: { perMs: 60_000 },
        settleMs: 60_000,
        reference: 'never',
        lateAfterMs: 5_400_000,
        maxBody: 524_288,
        locale: 'tr',
        verify: { scheme: 'url-secret', secrets: ['hook-0123456789', 'old-secret'] },
        settings: {
          time_zone: 'Europe/Istanbul',
          names: { status: { 9: 'On hold' } },
          phases: { 'On hold': 'waiting' },
        },
      },
      { name: 'monitoring', verify: { scheme: 'standard-webhooks', secrets: [ENV.MON_SECRET] } },
    ]);
    expect(config).toMatchObject({
      slack: {
        botToken: 'xoxb-1',
        signingSecret: 'abc123',
        appToken: null,
        apiUrl: 'http://127.0.0.1:9999/api/',
        operationsChannel: '#desk-ops',
        settleMs: 5000,
        allowedGroups: ['S012AB'],
        users: { U012ABC: 'nora@acme.com' },
      },
      lists: { vips: ['ceo@acme.com', '4711'] },
      http: { allow: ['hooks.example.com', '10.1.2.3:8080', '10.0.0.0/8', '[fd00::1]:443'] },
      retention: { eventsMs: 30 * 86_400_000, keysMs: 400 * 86_400_000 },
      heartbeatUrl: 'https://hc.example.com/abc',
    });
    expect([...config.secrets].sort()).toEqual([
      'abc123',
      'hook-0123456789',
      'jt-0123456789',
      'old-secret',
      ENV.MON_SECRET,
      'xoxb-1',
    ]);
  });

  test('stands in docs/operations.md', async () => {
    const page = await readFile('docs/operations.md', 'utf8');
    const example = /^```yaml\n(.*?)^```/ms.exec(page)?.[1] ?? '';

    expect(parse(example).connections.map(({ name }) => name)).toEqual(['acme-jitbit', 'monitoring']);
  });

  test('keeps to the operator’s rate in any span', () => {
    const budget = parse(MINIMAL + '    rate: 90/m\n').connections[0]?.budget;

    expect((budget?.rate ?? 0) + 2 * (budget?.burst ?? 0)).toBeLessThanOrEqual(0.95 * 90);
  });

  test.each([
    ['{ scheme: github, secret: [new, old] }', { scheme: 'github', secrets: ['new', 'old'] }],
    ['{ scheme: bearer, secret: t0ken }', { scheme: 'bearer', secrets: ['t0ken'] }],
    ['{ scheme: basic, user: mon, password: pw1 }', { scheme: 'basic', user: 'mon', secrets: ['pw1'] }],
    [
      '{ scheme: hmac, header: X-Sig, secret: s }',
      { scheme: 'hmac', header: 'x-sig', algorithm: 'sha256', encoding: 'hex', prefix: '', secrets: ['s'] },
    ],
  ])('verifies by %s', (verify, scheme) => {
    const { connections } = parse(`connections: { mon: { vendor: webhook, verify: ${verify} } }`);

    expect(connections[0]?.verify).toEqual(scheme);
  });
});

describe('five mistakes', () => {
  test('give five messages with their lines', () => {
    const text = `connections:
  acme:
    vendor: jitbit
    url: acme.jitbit.com
    token: \${JITBIT_TOKN}
    pol: 60s
    settle: 30
slck:
  bot_token: x
`;

    expect(mistakes(text)).toEqual([
      expect.stringMatching(
        /^deskhand\.yaml:4:10: "url": expected an http\(s\) URL.*, got "acme\.jitbit\.com"$/,
      ),
      'deskhand.yaml:5:12: the environment variable JITBIT_TOKN is not set. Did you mean "JITBIT_TOKEN"?',
      'deskhand.yaml:6:5: unknown key "pol". Did you mean "poll"?',
      'deskhand.yaml:7:13: "settle": expected a duration such as 90s, 15m, 4h, 2d, 1w or 1h30m, got 30',
      'deskhand.yaml:8:1: unknown key "slck". Did you mean "slack"?',
    ]);
  });
});

describe('a mistake is named with its place and a suggestion', () => {
  const connection = (keys: string): string => `${MINIMAL}    ${keys}\n`;

  test.each([
    ['vendor: jitbitt', 'connections: { a: { vendor: jitbitt } }', /1:29: unknown vendor "jitbitt"; .*"jitbit"\?/],
    ['no vendor', 'connections: { a: { url: x } }', /1:16: "vendor" is missing; expected one of [a-z, ]+/],
    ['no connections', 'lists: {}', /1:1: "connections" is missing/],
    ['empty connections', 'connections:', /1:1: "connections" is empty/],
    ['a connection that is text', 'connections: { a: jitbit }', /1:16: "a": expected the keys of a connection/],
    ['a bad name', 'connections: { "a/b": { vendor: jitbit } }', /1:16: a connection’s name/],
    ['no url', 'connections: { a: { vendor: jitbit, token: x } }', /"url" is missing; expected an http\(s\) URL/],
    ['neither token nor user', 'connections: { a: { vendor: jitbit, url: "https://a.test" } }', /1:16: "a": expected either token, or user and password$/],
    ['an empty variable (input 111)', connection('password: ${EMPTY}'), /6:15: the environment variable EMPTY is empty/],
    ['an empty secret', connection('webhook_secret: ""'), /6:21: "webhook_secret": is empty/],
    ['one empty secret of two', connection('webhook_secret: [a1, ""]'), /6:26: item 2: is empty/],
    ['a secret without value', connection('webhook_secret:'), /6:\d+: "webhook_secret": expected a secret, or \[new, old\], got nothing/],
    ['a secret with white space', connection('webhook_secret: "abc "'), /begins or ends with white space/],
    ['an open ${', connection('locale: ${tr'), /6:13: expected \$\{NAME\}/],
    ['an unknown feed', connection('poll: { tikets: 5m }'), /6:13: unknown feed "tikets"; Jitbit has the feeds tickets, .* Did you mean "tickets"\?/],
    ['a poll that is a number', connection('poll: 60'), /6:11: "poll": expected a duration/],
    ['a poll of a sender', 'connections: { a: { vendor: webhook, verify: { scheme: github, secret: s }, poll: 5m } }', /a Webhook connection only receives/],
    ['a sender without verify', 'connections: { a: { vendor: webhook } }', /1:16: a Webhook connection takes deliveries from outside and needs "verify"/],
    ['two ways to verify', connection('webhook_secret: abc\n    verify: { scheme: github, secret: s }'), /6:5: expected either verify or webhook_secret/],
    ['an unknown scheme', connection('verify: { scheme: githib, secret: s }'), /6:23: "scheme": expected standard-webhooks, .* or basic, got "githib"\. Did you mean "github"\?/],
    ['no scheme', connection('verify: { secret: s }'), /6:5: "scheme" is missing; expected standard-webhooks/],
    ['a key of another scheme', connection('verify: { scheme: github, secret: s, user: x }'), /6:42: unknown key "user"/],
    ['a Standard Webhooks key that is no base64', connection('verify: { scheme: standard-webhooks, secret: "!!!" }'), /expected base64 of at least 16 bytes/],
    ['a rate', connection('rate: 90'), /6:11: "rate": expected a rate such as 90\/m or 60\/h, got 90/],
    ['a choice', connection('reference: alway'), /6:16: "reference": expected auto, always or never, got "alway"\. Did you mean "always"\?/],
    ['a size', connection('max_body: 1GB'), /6:15: "max_body": expected a size from 1KiB to 25MiB/],
    ['a locale', connection('locale: "t r"'), /6:13: "locale": expected a language tag/],
    ['a time zone', connection('time_zone: Europe/Stambul'), /6:16: "time_zone": expected an IANA time zone.*, got "Europe\/Stambul"/],
    ['a phase', connection('phases: { On hold: waitin }'), /6:24: "On hold": expected new, .*Did you mean "waiting"\?/],
    ['a nested key', connection('names: { stats: { 9: x } }'), /6:14: unknown key "stats"\. Did you mean "status"\?/],
    ['a Slack key', MINIMAL + 'slack: { bot_tokn: x }', /"bot_token" is missing/],
    ['an allowed URL', MINIMAL + 'http: { allow: ["https://x.test/"] }', /6:17: item 1: expected a host, host:port or address range/],
    ['an allowed wildcard', MINIMAL + 'http: { allow: ["*.x.test"] }', /expected a host/],
    ['a list that is text', MINIMAL + 'lists: { vips: ceo }', /6:16: "vips": expected a list, got "ceo"/],
    ['a retention', MINIMAL + 'retention: { event: 5d }', /6:14: unknown key "event"\. Did you mean "events"\?/],
    ['a heartbeat', MINIMAL + 'heartbeat_url: hc.test', /6:16: "heartbeat_url": expected an http\(s\) URL/],
    ['a second document', MINIMAL + '---\nlists: {}', /7:1: expected one document/],
    ['a file that is a list', '- connections', /1:1: expected keys such as "connections:"/],
    ['an empty file', '', /1:1: expected keys such as "connections:"/],
    ['bad YAML', 'connections:\n\ta: 1', /2:1: Tabs are not allowed/],
    ['a duplicate', MINIMAL + '  acme: {}', /6:3: Duplicate key "acme"/],
  ])('%s', (_, text, message) => {
    expect(mistakes(text).join('\n')).toMatch(message);
  }); // prettier-ignore

  test('and never shows a secret or what came from the environment', () => {
    const env = { ...ENV, HOST_NAME: 'internal.host' };
    const text = `connections:
  acme: { vendor: jitbit, url: "\${HOST_NAME}", token: [sesame-1], webhook_secret: { a: sesame-2 } }
slack: { bot_token: 12345678, signing_secret: " sesame-3" }
`;

    const said = mistakes(text, env).join('\n');

    expect(said).toContain('"url": expected an http(s) URL');
    expect(said).not.toMatch(/sesame|internal\.host|12345678/);
  });

  test('and a missing variable (input 111) is not also a wrong value', () => {
    expect(mistakes(MINIMAL, {})).toEqual([
      'deskhand.yaml:5:12: the environment variable JITBIT_TOKEN is not set.',
    ]);
  });
});

describe('the file', () => {
  async function folder(): Promise<string> {
    const made = await mkdtemp(path.join(tmpdir(), 'deskhand-config-'));
    onTestFinished(() => rm(made, { recursive: true }));
    return made;
  }

  test('that is not there is said to be missing, with what to do', async () => {
    const file = path.join(await folder(), 'deskhand.yaml');

    expect(() => loadConfig({ path: file, env: {}, vendors })).toThrow(
      /deskhand\.yaml:1:1: there is no such file\. .*DESKHAND_CONFIG/s,
    );
  });

  test('and the environment report their mistakes together', async () => {
    const file = path.join(await folder(), 'deskhand.yaml');
    await writeFile(file, 'connections:\n');

    const load = (): unknown =>
      loadSetup({ DESKHAND_CONFIG: file, PORT: 'http', LOG_LEVEL: 'inof' }, vendors);

    expect(load).toThrow(/PORT expected a number.*LOG_LEVEL .*"info"\?.*"connections" is empty/s);
  });
});

describe('the environment', () => {
  test('has defaults', () => {
    expect(loadEnvironment({})).toEqual({
      databaseUrl: null,
      dataDir: './data',
      configPath: './deskhand.yaml',
      rulesDir: './rules',
      port: 8080,
      host: '127.0.0.1',
      adminToken: null,
      metricsToken: null,
      logLevel: 'info',
      secrets: [],
    });
  });

  test('gives its secrets to the scrubber, the password also decoded', () => {
    const env = {
      DATABASE_URL: 'postgresql://u:p%40ss@db/x',
      DESKHAND_ADMIN_TOKEN: 'adm',
      METRICS_TOKEN: 'none',
    };

    expect(loadEnvironment(env).secrets).toEqual(['adm', 'p%40ss', 'p@ss']);
  });

  test.each([
    [{ PORT: '70000' }, /PORT expected a number from 0 to 65535, got "70000"/],
    [{ PORT: '-1' }, /PORT expected/],
    [{ DATABASE_URL: '' }, /DATABASE_URL is empty/],
    [{ DATABASE_URL: 'mysql://root:hunter2@x/y' }, /DATABASE_URL expected postgresql:(?!.*hunter2)/],
    [{ DESKHAND_ADMIN_TOKEN: ' ' }, /DESKHAND_ADMIN_TOKEN is empty/],
  ])('refuses %j', (env, message) => {
    expect(() => loadEnvironment(env)).toThrow(message);
  });
});

test.each([
  ['90s', 90_000],
  ['15m', 900_000],
  ['4h', 14_400_000],
  ['2d', 172_800_000],
  ['1w', 604_800_000],
  ['1h30m', 5_400_000],
  ['90', null],
  ['1.5h', null],
  ['-5m', null],
  ['', null],
])('the duration %j is %j ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms);
});
