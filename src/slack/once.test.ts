import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Fault } from '../demo/simulators/support/faults.ts';
import { until } from '../../test/support/until.ts';
import { startSlackStage, type SlackStage } from '../../test/support/slack-stage.ts';

/** R4: Slack stores the message and the answer is lost, or nothing was stored and we do not know. */

const RULES = `
id: once
when: { connection: acme, title: { starts_with: Once } }
then:
  - slack.post: { channel: "#noc", text: "{{ ticket.title }}" }
`;

const DROPS = Number(process.env['SLACK_DROPS'] ?? 10);

let stage: SlackStage;
beforeAll(async () => {
  stage = await startSlackStage({ rules: RULES, simulator: { rateLimited: false } });
});
afterAll(() => stage.close());

const FAULTS: readonly Fault[] = [
  { kind: 'reset_after' },
  { kind: 'bad_gateway', applied: true },
  { kind: 'truncated' },
  { kind: 'cut_off' },
  { kind: 'status', status: 500, body: 'oops', applied: true },
];

test(
  'no dropped answer makes a message twice or loses one',
  async () => {
    for (let n = 0; n < DROPS; n += 1) {
      stage.slack.faults.next('chat.postMessage', FAULTS[n % FAULTS.length] ?? { kind: 'reset_after' });
      const id = stage.app.desk.human.create({ subject: `Once ${n}.` });
      await until(`step ${n}`, async () => (await stage.steps(id, 'once'))[0]?.state === 'done', 30_000);
    }

    const texts = stage.slack.messages.map((message) => message.text);
    for (let n = 0; n < DROPS; n += 1) expect(texts.filter((text) => text === `Once ${n}.`)).toHaveLength(1);
  },
  DROPS * 6_000 + 20_000,
);

test('a message that certainly was not sent is sent again', async () => {
  stage.slack.faults.next('chat.postMessage', { kind: 'too_many', retryAfter: 1 });
  const id = stage.app.desk.human.create({ subject: 'Once limited' });

  await until('the step', async () => (await stage.steps(id, 'once'))[0]?.state === 'done', 15_000);

  expect(stage.slack.messages.filter((message) => message.text === 'Once limited')).toHaveLength(1);
});

test('without access to the history the outcome is left to a person', async () => {
  for (const scope of ['channels:history', 'groups:history']) stage.slack.scopes.delete(scope);
  stage.slack.faults.next('chat.postMessage', { kind: 'reset_after' });
  const id = stage.app.desk.human.create({ subject: 'Once unseen' });

  const [step] = await until('the step', async () => {
    const steps = await stage.steps(id, 'once');
    return steps[0]?.state === 'uncertain' && steps;
  });

  expect(step?.reason).toContain('may not read this channel');
  expect(stage.slack.messages.filter((message) => message.text === 'Once unseen')).toHaveLength(1);
});
