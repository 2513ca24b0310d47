import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRendering } from '../act/render.ts';
import { startSlack, type Slack } from '../demo/simulators/slack/slack.ts';
import { createStandingClock, type StandingClock } from '../../test/support/clocks.ts';
import { createEngine, type Engine, type Worker } from '../../test/support/engine.ts';
import { createSlackApi } from './api.ts';
import { redrawOnce, type RedrawDeps } from './redraw.ts';
import { wakeQueues } from './turns.ts';

const RULES = `
id: everything
on: [ticket.created, ticket.updated]
when: { connection: acme }
then:
  - slack.post: { channel: "#noc", text: "{{ ticket.title }} is {{ ticket.priority }}" }
`;

/** 500 tickets are made in ten bursts over a minute, and each is changed in the next one. */
const BURSTS = 10;
const IN_A_BURST = 50;
const BURST_MS = 6_000;
/** As long as a turn at the channel. */
const STEP_MS = 1_050;
const CRITICAL = 2;

let clock: StandingClock;
let slack: Slack;
let engine: Engine;
let worker: Worker;
let redraw: RedrawDeps;
beforeAll(async () => {
  clock = createStandingClock();
  slack = await startSlack({ rateLimited: true, clock });
  engine = await createEngine({ clock, slack });
  await engine.publish(RULES);
  worker = await engine.worker();
  redraw = {
    database: engine.database,
    slack: await createSlackApi({ token: slack.botToken, apiUrl: slack.apiUrl, now: () => clock.now() }),
    ruleOf: (id) => engine.store.active.ruleOf(id),
    rendering: createRendering(),
    onCall: () => ({}),
  };
});
afterAll(async () => {
  await engine.close();
  await slack.close();
});

/** What Slack's loops do, until `untilAt` or something is so. */
async function live(untilAt: number, so: () => boolean = () => false): Promise<void> {
  while (clock.now() < untilAt && !so()) {
    await worker.work();
    await redrawOnce(redraw, new AbortController().signal);
    if ((await wakeQueues(engine.database)) > 0) await worker.work();
    await clock.advance(STEP_MS);
  }
}

const shown = (): string =>
  slack
    .messagesIn('noc')
    .map((message) => JSON.stringify(message.blocks))
    .join('\n');

test('1,000 changes in a minute are few messages, none too fast, and every final state is seen', async () => {
  const startedAt = clock.now();
  const ids: number[] = [];
  for (let burst = 0; burst <= BURSTS; burst += 1) {
    const before = ids.slice(-IN_A_BURST);
    for (let n = 0; n < IN_A_BURST && burst < BURSTS; n += 1) {
      ids.push(engine.desk.human.create({ subject: `Flood ${ids.length}.` }));
    }
    for (const id of before) engine.desk.human.edit(id, { priority: CRITICAL });
    await engine.pollAll();
    await live(startedAt + (burst + 1) * BURST_MS);
  }
  const isShown = (id: number, n: number, all: string): boolean =>
    new RegExp(`🔴 \\*<[^>]*/Ticket/${id}\\|[^>]*Flood ${n}\\.`).test(all);
  const allShown = (): boolean => {
    const all = shown();
    return ids.every((id, n) => isShown(id, n, all));
  };
  await live(startedAt + 5 * 60_000, allShown);
  const tookMs = clock.now() - startedAt;

  const calls = slack.calls.all.filter((call) => /chat\.(postMessage|update)/i.test(call.name));
  process.stderr.write(
    `flood: ${slack.messages.length} messages, ${calls.length} calls, all shown after ${tookMs / 1000} s\n`,
  );
  expect(allShown()).toBe(true);
  expect(calls.filter((call) => call.status === 429)).toEqual([]);
  expect(slack.messages.length).toBeLessThanOrEqual(60);
}, 240_000);
