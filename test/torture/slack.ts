import type { CrashPointName } from '../../src/act/crash.ts';
import { startSlack, type Slack } from '../../src/demo/simulators/slack/slack.ts';
import type { Call } from '../../src/demo/simulators/support/calls.ts';
import type { Fault } from '../../src/demo/simulators/support/faults.ts';
import { inTime, notCome, type Server } from './process.ts';
import { createStage, decideAll, pause, type Stage } from './stage.ts';
import type { Verdict } from './verdict.ts';

export interface SlackOptions {
  readonly databaseUrl: string;
  readonly kills: number;
}

/** Where the process dies: at a crash point, or while Slack has the post in hand, before or after it stored it. */
type Death = CrashPointName | 'unstored' | 'stored';
const DEATHS: readonly Death[] = [
  'after_send',
  'stored',
  'unstored',
  'before_send',
  'after_claim',
  'after_record',
];
/** What happens to the posts beside the one that is killed. */
const DROPS: readonly Fault[] = [
  { kind: 'reset_after' },
  { kind: 'reset_before' },
  { kind: 'bad_gateway', applied: true },
  { kind: 'truncated' },
  { kind: 'cut_off' },
];
/** A death that was ordered comes within moments; what a dead process held comes free first. */
const COMES_MS = 60_000;
const TELL_MS = 20_000;
/** A killed process leaves its channel held for some seconds: the next rounds speak elsewhere. */
const CHANNELS = 12;

/**
 * kill -9 and dropped answers around chat.postMessage (R4): in every round one post is under way when the process dies,
 * and the answers of two more are lost. Every alert must stand in Slack exactly once.
 */
export async function slackScenario(options: SlackOptions): Promise<Verdict> {
  const slack = await startSlack({ rateLimited: true });
  openChannels(slack);
  const stage = await createStage({
    databaseUrl: options.databaseUrl,
    config: config(slack),
    rules: RULES,
  });
  const told: Alert[] = [];
  try {
    for (let round = 0; round < options.kills; round += 1) {
      told.push(...(await oneRound(stage, slack, round)));
    }
    slack.faults.clear();
    await decideAll(stage);
    return await judge(stage, slack, told, options.kills);
  } finally {
    await stage.close();
    await slack.close();
  }
}

function openChannels(slack: Slack): void {
  for (let n = 0; n < CHANNELS; n += 1) {
    const [id, name] = [`C0TORTURE${n}`, channelName(n)];
    slack.state.channels.set(id, {
      id,
      name,
      kind: 'public',
      isArchived: false,
      botIsMember: true,
      userId: null,
    });
  }
}

const channelName = (n: number): string => `torture-${n % CHANNELS}`;

/** Something to be told, once. */
interface Alert {
  readonly title: string;
  readonly channel: string;
  /** Answered 2xx. */
  acknowledged: boolean;
}

async function oneRound(stage: Stage, slack: Slack, round: number): Promise<readonly Alert[]> {
  const death = DEATHS[round % DEATHS.length] ?? 'after_send';
  const held = death === 'stored' || death === 'unstored';
  // The first one resembles those of other rounds, so that it goes into a thread; the others stand in the channel.
  const alerts = [
    `Alert ${round} again.`,
    `Alert ${letters(round)} one.`,
    `Alert ${letters(round)} two.`,
  ].map((title, n): Alert => ({ title, channel: channelName(3 * round + n), acknowledged: false }));
  const [first, ...others] = alerts;
  for (const [n, alert] of others.entries()) {
    slack.faults.next(posts(alert), DROPS[(round + n) % DROPS.length] ?? { kind: 'reset_after' });
  }
  const gate =
    held && first !== undefined
      ? slack.faults.hold(posts(first), death === 'stored' ? 'after' : 'before')
      : null;
  const server = await stage.launch(held ? {} : { DESKHAND_CRASH_AT: death });
  // A step that a dead process left behind may end this one before it answers.
  await inTime(
    server,
    Promise.race([server.ready.catch(() => undefined), server.ended]),
    'an answer',
    COMES_MS,
  );
  for (const alert of held ? alerts : others.concat(first ?? [])) await tell(server, alert);
  if (gate !== null) {
    await inTime(server, Promise.race([gate.arrived, server.ended]), `the post of round ${round}`, COMES_MS);
    if (!server.running) throw new Error(`serve ended by itself:\n${server.log.slice(-20).join('\n')}`);
    await server.kill();
    gate.release();
  }
  await inTime(server, server.ended, `death ${death} in round ${round}`, COMES_MS);
  return alerts;
}

/** `7` → `bh`: words without digits tell tickets apart. */
function letters(round: number): string {
  return String(round).replaceAll(/\d/g, (digit) => String.fromCharCode(97 + Number(digit)));
}

function posts({ title }: Alert): (call: Call) => boolean {
  return (call) =>
    call.name.toLowerCase() === 'chat.postmessage' && (call.params.get('text') ?? '').includes(title);
}

/** Sent until somebody takes it or nobody is there any more. @throws when neither comes, with what the server said */
async function tell(server: Server, alert: Alert): Promise<void> {
  const endAt = performance.now() + COMES_MS;
  let last = 'no answer';
  while (server.running && !alert.acknowledged) {
    if (performance.now() > endAt) throw notCome(`an answer to "${alert.title}" (last: ${last})`, server);
    try {
      const answer = await fetch(`http://127.0.0.1:${server.port}/hooks/monitoring`, {
        method: 'POST',
        body: JSON.stringify({ id: alert.title, title: alert.title, place: alert.channel }),
        signal: AbortSignal.timeout(TELL_MS),
        headers: {
          authorization: 'Bearer torture-secret',
          'content-type': 'application/json',
          'webhook-id': alert.title,
        },
      });
      alert.acknowledged = answer.ok;
      last = `${answer.status} ${await answer.text()}`;
    } catch (error) {
      // It died first: nothing was promised.
      last = String(error);
    }
    if (!alert.acknowledged) await pause(50);
  }
}

async function judge(stage: Stage, slack: Slack, alerts: readonly Alert[], killed: number): Promise<Verdict> {
  const count = ({ title }: Alert): number =>
    slack.messages.filter((message) => message.text.includes(title)).length;
  const acknowledged = alerts.filter((alert) => alert.acknowledged);
  const inDoubt = await stage.query<{ reason: string }>(
    "SELECT reason FROM steps WHERE state IN ('uncertain', 'dead')",
  );
  const sent = slack.calls.named('chat.postMessage');
  const dropped = sent.filter((call) => call.fault !== null).length;
  const refused = sent.filter((call) => call.status === 429).length;
  return {
    scenario: 'kill -9 and dropped answers around chat.postMessage',
    killed,
    acknowledged: acknowledged.length,
    lost: acknowledged.filter((alert) => count(alert) === 0).length,
    twice: alerts.filter((alert) => count(alert) > 1).length,
    missed: inDoubt.length === 0 ? [] : [`${inDoubt.length} steps uncertain or dead`],
    note: `posted ${slack.messages.length} in ${sent.length} tries, ${dropped} of them cut or held, ${refused} times 429`,
  };
}

function config(slack: Slack): string {
  return `
connections:
  monitoring:
    vendor: webhook
    verify: { scheme: bearer, secret: torture-secret }
    ticket: { id: $.id, title: $.title, category: $.place }
slack:
  bot_token: ${slack.botToken}
  signing_secret: ${slack.signingSecret}
  api_url: ${slack.apiUrl}
  settle: 2s
`;
}

const RULES = `
id: tell
name: Tell it
on: [webhook.received]
when: { title: { starts_with: Alert } }
then:
  - slack.post: { channel: "#{{ ticket.category }}", text: "{{ ticket.title }}", buttons: [acknowledge] }
`;
