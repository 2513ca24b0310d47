import { sql } from 'kysely';
import type { AppOptions } from '../../src/app.ts';
import type { Clock } from '../../src/clock.ts';
import { startSlack, type Slack, type SlackOptions } from '../../src/demo/simulators/slack/slack.ts';
import type { SlackMessage } from '../../src/demo/simulators/slack/state.ts';
import { startTestApp, type TestApp } from './app.ts';
import { createFastClock } from './clocks.ts';
import { until } from './until.ts';
import type { SlackSettings } from '../../src/slack/slack.ts';

/** A whole Deskhand between a simulated desk and a simulated Slack that keeps Slack's limits. */
export interface SlackStage {
  readonly app: TestApp;
  readonly slack: Slack;
  /** Time as all of them see it. */
  readonly clock: Clock;
  /** Where Slack's requests go. */
  readonly url: string;
  /** Creates a ticket of the category that the rules watch, and waits for its first message. */
  ticketWithMessage(subject: string): Promise<{ readonly id: number; readonly message: SlackMessage }>;
  /** The message shows this somewhere. */
  shows(message: SlackMessage, text: string): Promise<void>;
  /** State and reason of the steps that a rule took on a ticket, oldest first. */
  steps(ticketId: number | string, rule: string): Promise<readonly StepSeen[]>;
  close(): Promise<void>;
}

export interface StepSeen {
  readonly state: string;
  readonly reason: string | null;
  readonly result: unknown;
}

export interface SlackStageOptions {
  readonly rules: string;
  readonly simulator?: SlackOptions;
  readonly settings?: Partial<SlackSettings>;
  /** How many times as fast time passes; default {@link SPEED}. */
  readonly speed?: number;
  readonly more?: Partial<AppOptions>;
}

/** Slack's second between two messages becomes a tenth of one; the desk is still polled ten times a second. */
const SPEED = 10;
const POLL_MS = 100;
/** On a busy machine a message may take its time. */
const SEEN_MS = 30_000;

export async function startSlackStage(options: SlackStageOptions): Promise<SlackStage> {
  const speed = options.speed ?? SPEED;
  const clock = createFastClock(speed);
  const slack = await startSlack({ rateLimited: true, clock, ...options.simulator });
  const settings: SlackSettings = {
    botToken: slack.botToken,
    apiUrl: slack.apiUrl,
    settleMs: 200,
    signingSecret: slack.signingSecret,
    ...options.settings,
  };
  const app = await startTestApp({
    rules: options.rules,
    clock,
    pollMs: POLL_MS * speed,
    more: { ...options.more, slack: settings },
  });
  await app.ready();
  const titled = (subject: string): SlackMessage | undefined =>
    slack.messages.find(
      (message) => message.threadTs === null && JSON.stringify(message.blocks).includes(subject),
    );
  return {
    app,
    slack,
    clock,
    url: `${app.base}/slack/events`,
    async ticketWithMessage(subject) {
      const id = app.desk.human.create({ subject, category: 'Network' });
      return { id, message: await until(`a message about ${subject}`, () => titled(subject), SEEN_MS) };
    },
    shows: async (message, text) => {
      const shown = (): boolean => JSON.stringify(message.blocks).includes(text);
      await until(`the message to show ${text}`, shown, SEEN_MS);
    },
    async steps(ticketId, rule) {
      const { rows } = await sql<StepSeen>`
        SELECT s.state, s.reason, s.result FROM steps s JOIN runs r ON r.id = s.run_id
         WHERE r.ticket_id = ${String(ticketId)} AND r.rule_id = ${rule} ORDER BY s.id`.execute(
        app.database.db,
      );
      return rows;
    },
    async close() {
      await app.close();
      await slack.close();
    },
  };
}
