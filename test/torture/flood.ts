import { startJitbitDesk } from '../../src/demo/simulators/jitbit/jitbit-desk.ts';
import { startReceiver } from '../../src/demo/simulators/receiver.ts';
import { startSlack, type Slack } from '../../src/demo/simulators/slack/slack.ts';
import { createStage, until, type Stage } from './stage.ts';
import { createDemands, type Verdict } from './verdict.ts';

export interface FloodOptions {
  readonly databaseUrl: string;
  /** New at the desk, all at once. */
  readonly tickets: number;
}

const MEMORY_MB = 300;
const PER_RULE = 100;
/** Runs of one group are counted together, and every page is a group or more. */
const OVERSHOOT = 200;
const DONE_MS = 1_800_000;

/**
 * Somebody imports thousands of tickets (R17). Each must be one event and reach the receiver once; Slack gets them
 * grouped, one message a second and channel at most; the rule with a limit over all tickets is paused and asks a person,
 * and memory stays bounded.
 */
export async function floodScenario({ databaseUrl, tickets }: FloodOptions): Promise<Verdict> {
  const desk = await startJitbitDesk({ rateLimit: 'off' });
  const slack = await startSlack({ rateLimited: true });
  const receiver = await startReceiver();
  const stage = await createStage({
    databaseUrl,
    config: config(desk, slack, receiver.url),
    rules: rules(receiver.url),
  });
  const { missed, demand } = createDemands();
  try {
    await stage.baseline();
    const server = await stage.start();
    const startedAt = performance.now();
    const ids = Array.from({ length: tickets }, (_, n) =>
      String(desk.human.create({ subject: `Import ${n}` })),
    );
    const seen = await after(startedAt, 'every ticket is an event', async () => {
      const [row] = await stage.query<{ count: number }>(
        "SELECT count(*)::int AS count FROM events WHERE type = 'ticket.created'",
      );
      return row !== undefined && row.count >= tickets;
    });
    const done = await after(startedAt, 'nothing is left to do', async () => (await left(stage)) === 0);
    const peakMb = await server.peakMb();

    const posts = slack.calls.named('chat.postMessage');
    const tooFast = posts.filter(({ status }) => status === 429).length;
    const messages = slack.messagesIn('noc').length;
    const held = await stage.query("SELECT FROM runs WHERE rule_id = 'limited' AND state = 'held'");
    const begun = await stage.query("SELECT FROM runs WHERE rule_id = 'limited' AND state <> 'held'");
    const asked = slack.messagesIn('desk-ops').filter(({ text }) => text.includes('limited')).length;
    demand(peakMb < MEMORY_MB, `memory of ${peakMb} MB`);
    demand(tooFast === 0 && messages <= done, `${messages} messages in ${done} s, ${tooFast} times 429`);
    demand(
      begun.length <= PER_RULE + OVERSHOOT && asked === 1,
      `the breaker: ${begun.length} runs, asked ${asked} times`,
    );
    demand(
      held.length + begun.length === tickets,
      `${held.length} held and ${begun.length} begun of ${tickets}`,
    );
    return {
      scenario: `${tickets} tickets imported at once`,
      killed: 0,
      acknowledged: tickets,
      ...(await judge(stage, ids, receiver.received)),
      missed,
      note:
        `all events after ${seen} s, all done after ${done} s, peak ${peakMb} MB; Slack ${messages} messages in ` +
        `${posts.length} calls, ${tooFast} times 429; ${begun.length} runs of the limited rule, asked ${asked} time, ` +
        `${held.length} runs held`,
    };
  } finally {
    await stage.close();
    await Promise.all([desk.close(), slack.close(), receiver.close()]);
  }
}

/** Waits until something is so. @returns whole seconds since a moment */
async function after(startedAt: number, what: string, so: () => Promise<boolean>): Promise<number> {
  await until(what, DONE_MS, so);
  return Math.round((performance.now() - startedAt) / 1_000);
}

/** Steps of rules that nobody paused. */
async function left(stage: Stage): Promise<number> {
  const [row] = await stage.query<{ count: number }>(
    `SELECT count(*)::int AS count FROM steps s JOIN runs r ON r.id = s.run_id
      WHERE r.rule_id <> 'limited' AND s.state IN ('pending', 'waiting', 'postponed', 'sending')`,
  );
  return row?.count ?? 0;
}

/** Every ticket must be one event, told to the receiver and to Slack by one step each, all of them done. */
async function judge(
  stage: Stage,
  ids: readonly string[],
  received: ReadonlyMap<string, number>,
): Promise<{ readonly lost: number; readonly twice: number }> {
  const rows = await stage.query<{ ticket_id: string; events: number; posts: string[]; told: number }>(
    `SELECT e.ticket_id, count(DISTINCT e.id)::int AS events,
            coalesce(array_agg(s.id) FILTER (WHERE s.action = 'http.post'), '{}') AS posts,
            count(*) FILTER (WHERE s.action = 'slack.post' AND s.state = 'done')::int AS told
       FROM events e JOIN runs r ON r.event_id = e.id AND r.rule_id = 'tell' JOIN steps s ON s.run_id = r.id
      WHERE e.type = 'ticket.created' GROUP BY e.ticket_id`,
  );
  const byId = new Map(rows.map((row) => [row.ticket_id, row]));
  const times = (posts: readonly string[]): number =>
    posts.reduce((sum, step) => sum + (received.get(step) ?? 0), 0);
  return {
    lost: ids.filter((id) => times(byId.get(id)?.posts ?? []) === 0 || byId.get(id)?.told === 0).length,
    twice: rows.filter(({ events, posts, told }) => events > 1 || times(posts) > 1 || told > 1).length,
  };
}

function config(
  desk: { readonly url: string; readonly token: string },
  slack: Slack,
  receiverUrl: string,
): string {
  return `
connections:
  desk: { vendor: jitbit, url: "${desk.url}", token: "${desk.token}", poll: { tickets: 1s, reconcile: 1w }, rate: 100000/m }
slack:
  bot_token: ${slack.botToken}
  signing_secret: ${slack.signingSecret}
  api_url: ${slack.apiUrl}
  operations_channel: "#desk-ops"
http: { allow: ["${new URL(receiverUrl).host}"] }
`;
}

function rules(receiverUrl: string): string {
  return `
id: tell
name: Tell it
on: [ticket.created]
when: { title: { starts_with: Import } }
then:
  - http.post: { url: "${receiverUrl}/in" }
  - slack.post: { channel: "#noc", text: "{{ ticket.title }}" }
---
id: limited
name: Seldom
on: [ticket.created]
when: { title: { starts_with: Import } }
limit: { per_rule: ${PER_RULE}/1h }
then:
  - emit: { type: custom.limited }
`;
}
