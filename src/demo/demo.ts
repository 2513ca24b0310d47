import { createHmac, randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startApp, type App, type AppConnection } from '../app.ts';
import { systemClock, type Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { migrate } from '../record/migrate.ts';
import { vendors } from '../vendors/registry.ts';
import { DEMO_RULES } from './rules.ts';
import { startJitbitDesk, type JitbitDesk } from './simulators/jitbit/jitbit-desk.ts';
import { startSlack, type Slack } from './simulators/slack/slack.ts';
import { createStream } from './simulators/stream.ts';
import { startSlackPage } from './slack-page.ts';
import { createTimeline, type Timeline } from './timeline.ts';

/**
 * The demo: simulated desks and a simulated Slack on loopback, a real Deskhand on a real database between them, and
 * a timeline of what happens. One desk is watched by polling only, the other one by its webhooks only.
 */
export interface DemoOptions {
  readonly databaseUrl: string;
  /** Where the demo's rules are written, to be edited while it runs. */
  readonly folder: string;
  /** Ends by itself after this; null: until the signal aborts. */
  readonly forMs: number | null;
  readonly signal: AbortSignal;
  readonly port: number;
  readonly log: Log;
  readonly write: (line: string) => void;
  readonly colour: boolean;
}

const HOOK_SECRET = 'demo-hook-secret';
const MONITORING_SECRET = Buffer.from('demo-monitoring-secret').toString('base64');
const POLL_MS = 2_000;
const STEP_MS = 200;

/** Runs the demo. @returns true if tickets were reassigned, commented and posted from a poll and from a webhook */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const clock = systemClock;
  const startedAt = clock.now();
  const rules = join(options.folder, 'demo-rules');
  await mkdir(rules, { recursive: true });
  await writeFile(join(rules, 'demo.yaml'), DEMO_RULES);
  const [polled, hooked, slack] = await Promise.all([
    startJitbitDesk({ rateLimit: 'off' }),
    startJitbitDesk({ rateLimit: 'off', seed: 7 }),
    startSlack(),
    migrate(options.databaseUrl),
  ]);
  const app = await startApp({
    databaseUrl: options.databaseUrl,
    alone: true,
    connections: connections(polled, hooked),
    rulesFolder: rules,
    publishWhen: 'changed',
    known: knownNames(),
    matchSettings: { lists: { vips: VIPS }, locales: {}, workingMs: null },
    slack: {
      botToken: slack.botToken,
      apiUrl: slack.apiUrl,
      settleMs: 5_000,
      similarWithinMs: 10 * 60_000,
      signingSecret: slack.signingSecret,
      operationsChannel: '#desk-ops',
    },
    httpAllow: [],
    listen: { host: '127.0.0.1', port: options.port },
    adminToken: null,
    metricsToken: 'none',
    environment: {},
    crashAt: undefined,
    clock,
    log: options.log,
  });
  const base = `http://127.0.0.1:${app.port}`;
  hooked.addWebhook({
    url: `${base}/hooks/globex-jitbit/${HOOK_SECRET}`,
    on: ['created', 'new_reply', 'status_changed', 'priority_changed', 'assigned', 'closed'],
  });
  const slackPage = await startSlackPage({ slack, eventsUrl: `${base}/slack/events`, port: 0 });
  const timeline = createTimeline({ ...options, database: app.database, now: () => clock.now(), startedAt });
  options.write(`Deskhand demo on ${base}`);
  options.write(`Slack, simulated, with working buttons: ${slackPage.url}`);
  options.write(`Rules: ${join(rules, 'demo.yaml')} (edit and save: live within a second)`);
  options.write(
    `Ready ${((clock.now() - startedAt) / 1000).toFixed(1)} s after the database. Ctrl-C ends it.\n`,
  );
  try {
    await play({ ...options, app, polled, hooked, slack, timeline, clock, base });
  } finally {
    await slackPage.close();
    await app.stop();
    await Promise.all([polled.close(), hooked.close(), slack.close()]);
  }
  return summarise(timeline, slack, options.write);
}

const VIPS = ['ceo@acme.com', 'cfo@acme.com'];

function connections(polled: JitbitDesk, hooked: JitbitDesk): readonly AppConnection[] {
  const common = {
    settleMs: 5_000,
    reference: 'auto',
    lateAfterMs: 15 * 60_000,
    maxBody: 1024 * 1024,
    budget: null,
  } as const;
  const verify = { scheme: 'url-secret', secrets: [HOOK_SECRET] } as const;
  const jitbit = (name: string, desk: JitbitDesk, pollMs: number): AppConnection => ({
    ...common,
    name,
    vendor: vendors.jitbit,
    settings: vendors.jitbit.settings.parse({ url: desk.url, token: desk.token }),
    // Only what the demo shows is limited: real desks keep their vendor's budget.
    budget: { rate: 600, burst: 60, perMs: 60_000 },
    poll: { tickets: pollMs },
    verify,
  });
  return [
    jitbit('acme-jitbit', polled, POLL_MS),
    jitbit('globex-jitbit', hooked, 3_600_000),
    {
      ...common,
      name: 'monitoring',
      vendor: vendors.webhook,
      settings: vendors.webhook.settings.parse({
        ticket: {
          id: '$.alert.id',
          title: '$.alert.title',
          priority: '$.alert.severity',
          category: '$.alert.group',
        },
      }),
      poll: null,
      verify: { scheme: 'standard-webhooks', secrets: [MONITORING_SECRET] },
    },
  ];
}

function knownNames(): Parameters<typeof startApp>[0]['known'] {
  const of = (
    vendor: (typeof vendors)['jitbit' | 'webhook'],
  ): { vendor: string; vendorName: string; actions: typeof vendor.capabilities.actions } => ({
    vendor: vendor.id,
    vendorName: vendor.name,
    actions: vendor.capabilities.actions,
  });
  return {
    connections: {
      'acme-jitbit': of(vendors.jitbit),
      'globex-jitbit': of(vendors.jitbit),
      monitoring: of(vendors.webhook),
    },
    lists: ['vips'],
    calendars: [],
    environment: [],
    oncall: [],
  };
}

interface Play extends DemoOptions {
  readonly app: App;
  readonly polled: JitbitDesk;
  readonly hooked: JitbitDesk;
  readonly slack: Slack;
  readonly timeline: Timeline;
  readonly clock: Clock;
  readonly base: string;
}

/** People work, the timeline prints, until the time is over or somebody ends it. */
async function play(stage: Play): Promise<void> {
  const { clock, timeline, signal } = stage;
  const endAt = stage.forMs === null ? Infinity : clock.monotonic() + stage.forMs;
  const streams = [
    {
      name: 'acme-jitbit',
      stream: createStream(stage.polled, { seed: 1 }),
      nextAt: clock.monotonic() + 1_500,
    },
    {
      name: 'globex-jitbit',
      stream: createStream(stage.hooked, { seed: 2 }),
      nextAt: clock.monotonic() + 3_000,
    },
  ];
  let alertAt = clock.monotonic() + 6_000;
  let posted = 0;
  while (clock.monotonic() < endAt && !signal.aborted) {
    for (const desk of streams) {
      if (clock.monotonic() < desk.nextAt) continue;
      const happening = desk.stream.nextHappening();
      timeline.say('desk', `${desk.name}: ${happening.text}`);
      desk.nextAt = clock.monotonic() + happening.nextInMs;
    }
    if (clock.monotonic() >= alertAt) {
      alertAt = clock.monotonic() + 20_000;
      await sendAlert(stage);
    }
    await timeline.runOnce();
    for (const message of stage.slack.messages.slice(posted)) {
      timeline.say(
        'slack',
        `  #${stage.slack.state.channels.get(message.channel)?.name ?? message.channel}: ${message.text}`,
      );
    }
    posted = stage.slack.messages.length;
    await clock.sleep(STEP_MS, signal);
  }
}

/** A monitoring system posts a signed alert. */
async function sendAlert({ base, timeline, clock }: Play): Promise<void> {
  const body = JSON.stringify({
    alert: {
      id: `A-${Math.floor(clock.now() / 1000) % 10_000}`,
      title: 'Core router answers no pings',
      severity: 'urgent',
      group: 'Network',
    },
  });
  timeline.say('desk', 'monitoring: Core router answers no pings');
  const id = randomUUID();
  const timestamp = String(Math.floor(clock.now() / 1000));
  const signature = createHmac('sha256', Buffer.from(MONITORING_SECRET, 'base64'))
    .update(`${id}.${timestamp}.${body}`)
    .digest('base64');
  await fetch(`${base}/hooks/monitoring`, {
    method: 'POST',
    body,
    headers: {
      'content-type': 'application/json',
      'webhook-id': id,
      'webhook-timestamp': timestamp,
      'webhook-signature': `v1,${signature}`,
    },
  });
}

function summarise(timeline: Timeline, slack: Slack, write: (line: string) => void): boolean {
  write('\nWhat happened:');
  for (const [what, count] of [...timeline.counts].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    write(`  ${String(count).padStart(4)}  ${what}`);
  write(`  ${String(slack.messages.length).padStart(4)}  messages in Slack`);
  const shown = ['reassign', 'comment', 'slack.post'].every((action) =>
    ['poll', 'webhook'].every((via) => timeline.counts.has(`${action} from a ${via}: done`)),
  );
  write(shown ? '\nEverything was shown: reassign, comment and Slack, from a poll and from a webhook.' : '');
  return shown;
}
