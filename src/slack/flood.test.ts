import { afterAll, beforeAll, expect, test } from 'vitest';
import { until } from '../../test/support/until.ts';
import { startSlackStage, type SlackStage } from '../../test/support/slack-stage.ts';

const RULES = `
id: everything
on: [ticket.created, ticket.updated]
when: { connection: acme, title: { starts_with: Flood } }
then:
  - slack.post: { channel: "#noc", text: "{{ ticket.title }} is {{ ticket.priority }}" }
limit: { per_ticket: 50/1h }
`;

/** Each ticket is made and changed once; 1,000 changes with SLACK_FLOOD=500. */
const TICKETS = Number(process.env['SLACK_FLOOD'] ?? 40);
const WITHIN_MS = TICKETS > 100 ? 300_000 : 60_000;

let stage: SlackStage;
beforeAll(async () => {
  stage = await startSlackStage({ rules: RULES });
});
afterAll(() => stage.close());

test(
  'a flood becomes few messages, none too fast, and every final state is seen',
  async () => {
    const ids: number[] = [];
    const startedAt = Date.now();
    for (let n = 0; n < TICKETS; n += 1) {
      ids.push(stage.app.desk.human.create({ subject: `Flood ${n}.` }));
      if (n % 20 === 19) await new Promise((resolve) => setImmediate(resolve));
    }
    await until('the first message', () => stage.slack.messagesIn('noc').length > 0, WITHIN_MS);
    for (const id of ids) stage.app.desk.human.edit(id, { priority: 2 });

    const shown = (): string =>
      stage.slack
        .messagesIn('noc')
        .map((message) => JSON.stringify(message.blocks))
        .join('\n');
    await until(
      'every final state',
      () => {
        const all = shown();
        return ids.every((id, n) => new RegExp(`🔴 \\*<[^>]*/Ticket/${id}\\|[^>]*Flood ${n}\\.`).test(all));
      },
      WITHIN_MS,
    );

    const calls = stage.slack.calls.all.filter((call) => /chat\.(postMessage|update)/i.test(call.name));
    const tookMs = Date.now() - startedAt;
    const posts = stage.slack.messages.length;
    const tooFast = stage.slack.calls.all.filter((call) => call.status === 429).length;
    process.stderr.write(
      `flood: ${TICKETS * 2} changes, ${posts} posts, ${calls.length} calls, ${tookMs} ms, ${tooFast} x 429\n`,
    );
    expect(tooFast).toBe(0);
    expect(posts).toBeLessThanOrEqual(60);
    expect(stage.app.logged.filter((line) => line.startsWith('error'))).toEqual([]);
  },
  WITHIN_MS + 10_000,
);
