import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { COMMANDS } from '../src/cli/commands.ts';
import { ConfigError, formatProblem, messageOf } from '../src/errors.ts';
import { startBossDesk } from '../src/demo/simulators/bossdesk/bossdesk-desk.ts';
import { startGotoDesk } from '../src/demo/simulators/gotoassist/gotoassist-desk.ts';
import { gotoIds } from '../src/demo/simulators/gotoassist/seed.ts';
import { startInvgateDesk } from '../src/demo/simulators/invgate/invgate-desk.ts';
import { startJitbitDesk } from '../src/demo/simulators/jitbit/jitbit-desk.ts';
import { startReceiver } from '../src/demo/simulators/receiver.ts';
import { startSlack } from '../src/demo/simulators/slack/slack.ts';
import { openDatabase, type Database } from '../src/record/database.ts';
import { createTestDatabase, type TestDatabase } from './support/database.ts';
import { until } from './support/until.ts';
import { createStage, type Stage } from './torture/stage.ts';
import type { Server } from './torture/process.ts';

/**
 * Every configured secret, looked for in everything that a whole Deskhand lets out (inputs 109, 110): the log, metrics,
 * the API, what commands print, and the database. Four desks, Slack, every kind of hook and posts with credentials;
 * desks that refuse us, and desks and receivers that repeat in their errors what we sent.
 */

const SECRETS = {
  ADMIN: 'admin+token/4410==',
  JITBIT: 'jitbit+token/4411==',
  LOCKED: 'locked+token/4412==',
  INVGATE: 'invgate+key/4413==',
  BOSS: 'boss+key/4414==',
  GOTO: 'goto+token/4415==',
  SLACK_BOT: 'xoxb-4416-4416-abcdefghij',
  SLACK_SIGNING: 'slack+signing/4417==',
  HOOK: 'hook-secret-4418',
  HOOK_OLD: 'hook-secret-4419',
  MONITORING: 'whsec_bW9uaXRvcmluZy1zZWNyZXQtNDQyMA==',
  BEARER: 'bearer+secret/4421==',
  BASIC: 'basic+password/4422==',
  HMAC: 'hmac+secret/4423==',
  PARTNER: 'partner+token/4424==',
  SIGNING: 'whsec_c2lnbmluZy1zZWNyZXQtNDQyNQ==',
};
const USERS = ['api', 'deskbot', 'sender'];
const SEEN_MS = 60_000;

/** Every spelling in which a secret could slip out. */
const NEEDLES = Object.entries(SECRETS).flatMap(([name, secret]) => {
  const base64 = [secret, ...USERS.map((user) => `${user}:${secret}`), `${secret}:`, `x:${secret}`].map(
    (text) => Buffer.from(text).toString('base64'),
  );
  const forms = [
    secret,
    encodeURIComponent(secret),
    new URLSearchParams({ s: secret }).toString().slice(2),
    ...base64,
    ...base64.map((text) => text.replace(/=+$/, '')),
    Buffer.from(secret).toString('base64url'),
    Buffer.from(secret).toString('hex'),
  ];
  return [...new Set(forms)].map((form) => [name, form] as const);
});

const found = (text: string): readonly string[] =>
  NEEDLES.filter(([, form]) => text.includes(form)).map(([name, form]) => {
    const at = text.indexOf(form);
    return `${name} as ${form}: ${text.slice(Math.max(0, at - 200), at + 60)}`;
  });

let database: TestDatabase;
let looking: Database;
let stage: Stage;
let server: Server;
let folder: string;
let desks: Awaited<ReturnType<typeof startAll>>;

async function startAll() {
  const [jitbit, invgate, boss, goto, slack, receiver] = await Promise.all([
    startJitbitDesk({ rateLimit: 'off', token: SECRETS.JITBIT }),
    startInvgateDesk({ key: SECRETS.INVGATE }),
    startBossDesk({ key: SECRETS.BOSS }),
    startGotoDesk({ perHour: 100_000, token: SECRETS.GOTO }),
    startSlack({ botToken: SECRETS.SLACK_BOT, signingSecret: SECRETS.SLACK_SIGNING }),
    // Repeats all that it was sent.
    startReceiver({
      answer: (call) => ({
        status: 400,
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(call.headers),
      }),
    }),
  ]);
  return { jitbit, invgate, boss, goto, slack, receiver };
}

beforeAll(async () => {
  [desks, database, folder] = await Promise.all([
    startAll(),
    createTestDatabase(),
    mkdtemp(join(tmpdir(), 'deskhand-secrets-')),
  ]);
  for (const [name, value] of Object.entries(SECRETS)) vi.stubEnv(name, value);
  vi.stubEnv('DESKHAND_ADMIN_TOKEN', SECRETS.ADMIN);
  vi.stubEnv('DATABASE_URL', database.url);
  vi.stubEnv('DESKHAND_CONFIG', join(folder, 'deskhand.yaml'));
  vi.stubEnv('DESKHAND_RULES', join(folder, 'rules'));
  await writeFile(join(folder, 'deskhand.yaml'), config());
  looking = openDatabase({ url: database.url, poolSize: 1 });
  stage = await createStage({
    databaseUrl: database.url,
    config: config(),
    rules: rules(),
  });
  server = await stage.start({ ...SECRETS, DESKHAND_ADMIN_TOKEN: SECRETS.ADMIN, LOG_LEVEL: 'debug' });
}, 120_000);
afterEach(() => vi.restoreAllMocks());
afterAll(async () => {
  vi.unstubAllEnvs();
  await stage?.close();
  await looking?.close();
  const { jitbit, invgate, boss, goto, slack, receiver } = desks;
  await Promise.all([jitbit, invgate, boss, goto, slack, receiver].map((one) => one.close()));
  await database.drop();
  await rm(folder, { recursive: true, force: true });
});

function config(): string {
  const { jitbit, invgate, boss, goto, slack, receiver } = desks;
  const freely = 'rate: 100000/m, settle: 1s';
  return `
connections:
  jitbit: { vendor: jitbit, url: "${jitbit.url}", token: "\${JITBIT}", webhook_secret: ["\${HOOK}", "\${HOOK_OLD}"], poll: { tickets: 1s }, ${freely} }
  locked: { vendor: jitbit, url: "${jitbit.url}", user: deskbot, password: "\${LOCKED}", poll: { tickets: 1s }, ${freely} }
  invgate: { vendor: invgate, url: "${invgate.url}", user: "${invgate.user}", key: "\${INVGATE}", author: deskbot, poll: { created: 1s }, ${freely} }
  boss: { vendor: bossdesk, url: "${boss.url}", key: "\${BOSS}", author: deskbot, poll: { changes: 1s }, ${freely} }
  goto: { vendor: gotoassist, url: "${goto.url}", token: "\${GOTO}", report_id: ${gotoIds.report}, poll: { incidents: 1s }, ${freely} }
  monitoring: { vendor: webhook, verify: { scheme: standard-webhooks, secret: "\${MONITORING}" }, ticket: { id: $.id, title: $.title } }
  bearer: { vendor: webhook, verify: { scheme: bearer, secret: "\${BEARER}" }, ticket: { id: $.id, title: $.title } }
  basic: { vendor: webhook, verify: { scheme: basic, user: sender, password: "\${BASIC}" }, ticket: { id: $.id, title: $.title } }
  hmac: { vendor: webhook, verify: { scheme: hmac, header: x-signature, secret: "\${HMAC}" }, ticket: { id: $.id, title: $.title } }
slack: { bot_token: "\${SLACK_BOT}", signing_secret: "\${SLACK_SIGNING}", api_url: "${slack.apiUrl}", operations_channel: "#noc" }
http: { allow: ["${new URL(receiver.url).host}"] }
`;
}

function rules(): string {
  return `
id: told
name: Everything is told
on: [ticket.created, webhook.received]
then:
  - comment: { text: "seen" }
  - slack.post: { channel: "#noc", text: "{{ ticket.title }}" }
  - http.post: { url: "${desks.receiver.url}/in", secret: "\${SIGNING}", headers: { authorization: "Bearer \${PARTNER}", x-key: "\${PARTNER}" } }
`;
}

const base = (): string => `http://127.0.0.1:${server.port}`;
const get = (path: string, token = SECRETS.ADMIN): Promise<Response> =>
  fetch(`${base()}${path}`, { headers: { authorization: `Bearer ${token}` } });

/** Whatever a hook answers, to the right secret and to wrong ones. */
async function sendToHooks(): Promise<string> {
  const body = JSON.stringify({ id: 'A-1', title: 'Switch is down' });
  const basic = Buffer.from(`sender:${SECRETS.BASIC}`).toString('base64');
  const json = { 'content-type': 'application/json' };
  const requests: readonly (readonly [string, Readonly<Record<string, string>>, string])[] = [
    ['/hooks/bearer', { ...json, authorization: `Bearer ${SECRETS.BEARER}` }, body],
    ['/hooks/bearer', { ...json, authorization: `Bearer ${SECRETS.BEARER}` }, '[broken'],
    ['/hooks/bearer', { ...json, authorization: `Basic ${SECRETS.BEARER}` }, body],
    ['/hooks/basic', { ...json, authorization: `Basic ${basic}` }, body],
    ['/hooks/basic', { ...json, authorization: `Bearer ${basic}` }, body],
    ['/hooks/hmac', { ...json, 'x-signature': SECRETS.HMAC }, body],
    ['/hooks/monitoring', { ...json, 'webhook-id': 'm-1', 'webhook-signature': SECRETS.MONITORING }, body],
    [`/hooks/jitbit/${SECRETS.HOOK}`, json, '{"ticketId":"1021"}'],
    [`/hooks/jitbit/${SECRETS.HOOK_OLD}`, json, '[broken'],
    [`/hooks/jitbit/${SECRETS.HOOK}x`, json, '{}'],
    [`/hooks/jitbit?secret=${SECRETS.HOOK}`, json, '{}'],
    [`/hooks/nobody/${SECRETS.HOOK}`, json, '{}'],
    ['/slack/events', { ...json, 'x-slack-signature': SECRETS.SLACK_SIGNING }, body],
  ];
  const answers: string[] = [];
  for (const [path, headers, text] of requests) {
    const response = await fetch(`${base()}${path}`, { method: 'POST', headers, body: text });
    answers.push(`${response.status} ${await response.text()}`);
  }
  expect(answers.map((answer) => answer.slice(0, 3))).toEqual(expect.arrayContaining(['202', '400', '401']));
  return answers.join('\n');
}

/** What desks say when they are angry, with what we sent in it. */
function breakDesks(): void {
  const { jitbit, invgate, boss, goto, slack } = desks;
  const basic = (text: string): string => Buffer.from(text).toString('base64');
  const echo = (secret: string, user: string): { kind: 'status'; status: number; body: string } => ({
    kind: 'status',
    status: 422,
    body: `<pre>Authorization: Bearer ${secret}, Basic ${basic(`${user}:${secret}`)}, Basic ${basic(`${secret}:`)}, /api?token=${encodeURIComponent(secret)}</pre>`,
  });
  jitbit.faults.next('POST comment', echo(SECRETS.JITBIT, 'deskbot'));
  invgate.faults.next(() => true, echo(SECRETS.INVGATE, invgate.user));
  boss.faults.next(() => true, { ...echo(SECRETS.BOSS, 'x'), status: 500 });
  goto.faults.next(() => true, echo(SECRETS.GOTO, 'x'));
  slack.faults.next(() => true, { ...echo(SECRETS.SLACK_BOT, 'x'), status: 500 });
}

async function act(): Promise<string> {
  await until(
    'the feeds to be read',
    async () => {
      const { rows } = await sql<{ open: number }>`
        SELECT count(*)::int AS open FROM feeds f JOIN connections c ON c.id = f.connection_id
         WHERE c.name <> 'locked' AND f.feed <> 'reconcile' AND f.baseline_done_at IS NULL`.execute(
        looking.db,
      );
      return rows[0]?.open === 0;
    },
    SEEN_MS,
  );
  breakDesks();
  const answers = await sendToHooks();
  desks.jitbit.human.create({ subject: 'Jitbit ticket' });
  desks.invgate.human.create({ title: 'InvGate ticket' });
  desks.boss.human.create({ title: 'BOSSDesk ticket' });
  desks.goto.human.create({ title: 'GoToAssist ticket' });
  await until(
    'four desks and hooks to have runs, dead posts and a refused connection',
    async () => {
      const { rows } = await sql<{ runs: number; dead: number; refused: number }>`
        SELECT (SELECT count(DISTINCT connection_id)::int FROM runs) AS runs,
               (SELECT count(*)::int FROM steps WHERE action = 'http.post' AND state = 'dead') AS dead,
               (SELECT count(*)::int FROM connections WHERE name = 'locked' AND state = 'stopped') AS refused`.execute(
        looking.db,
      );
      return (rows[0]?.runs ?? 0) >= 6 && (rows[0]?.dead ?? 0) >= 4 && rows[0]?.refused === 1;
    },
    SEEN_MS,
  );
  return answers;
}

async function readApi(): Promise<string> {
  const lists = ['connections', 'events', 'tickets', 'rules', 'rules/told', 'runs', 'steps', 'dead-letters'];
  const more = ['uncertain', 'timers', 'silences', 'status', 'tickets/bearer/A-1/why', 'nothing', 'steps/x'];
  const texts: string[] = [];
  for (const path of [...lists, ...more]) texts.push(await (await get(`/api/v1/${path}`)).text());
  const dead = JSON.parse(await (await get('/api/v1/dead-letters')).text()) as {
    items: { step_id: string }[];
  };
  for (const { step_id: id } of dead.items) texts.push(await (await get(`/api/v1/steps/${id}`)).text());
  texts.push(await (await get(`/api/v1/status?token=${encodeURIComponent(SECRETS.ADMIN)}`)).text());
  texts.push(await (await get(`/api/v1/${SECRETS.ADMIN}`, SECRETS.HOOK)).text());
  texts.push(await (await get('/metrics')).text(), await (await get('/openapi.json')).text());
  return texts.join('\n');
}

/** What a person sees who runs these commands. */
async function readCommands(): Promise<string> {
  const lines: string[] = [];
  const keep = (...parts: readonly unknown[]): void => void lines.push(parts.map(String).join(' '));
  vi.spyOn(console, 'log').mockImplementation(keep);
  vi.spyOn(console, 'error').mockImplementation(keep);
  const draft = join(folder, 'draft.yaml');
  await writeFile(draft, rules());
  const commands = [
    'status',
    'why bearer A-1',
    'dead-letters list',
    'uncertain list',
    'timers',
    'silence list',
    'rules list',
    'check --online',
    `backtest ${draft} --since 1h`,
    'why bearer none',
    'replay --event none',
    'pause rule none',
  ];
  for (const line of commands.flatMap((text) => [text, `${text} --json`])) {
    const [name = '', ...args] = line.split(' ');
    const command = await COMMANDS.find((known) => known.name === name)?.load();
    await command?.run(args).catch((error: unknown) => {
      keep(error instanceof ConfigError ? error.problems.map(formatProblem).join('\n') : messageOf(error));
    });
  }
  vi.restoreAllMocks();
  expect(lines.join('\n')).toContain('http.post');
  return lines.join('\n');
}

/** Every row of every table as text; bytes as the text that they are. */
async function dump(): Promise<string> {
  const { rows: tables } = await sql<{ name: string }>`
    SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace`.execute(
    looking.db,
  );
  const texts: string[] = [];
  for (const { name } of tables) {
    const { rows } = await sql<{ row: string }>`SELECT t::text AS row FROM ${sql.table(name)} t`.execute(
      looking.db,
    );
    texts.push(...rows.map(({ row }) => row));
  }
  return texts.join('\n');
}

test('no configured secret comes out anywhere, in no spelling (inputs 109, 110)', async () => {
  const hooks = await act();
  const places = {
    hooks,
    api: await readApi(),
    commands: await readCommands(),
    database: await dump(),
    log: server.log.join('\n'),
  };

  // The desks did say them.
  expect(desks.receiver.calls.named('in')[0]?.headers['authorization']).toBe(`Bearer ${SECRETS.PARTNER}`);
  expect(places.log.split('poll failed').length).toBeGreaterThan(3);
  expect(places.database).toContain('***');
  const leaks = Object.entries(places).flatMap(([place, text]) =>
    found(text).map((leak) => `${place}: ${leak}`),
  );
  expect(leaks).toEqual([]);
}, 240_000);
