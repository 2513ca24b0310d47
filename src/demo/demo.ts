import { createHmac, randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startApp, type App, type AppConnection } from '../app.ts';
import { systemClock, type Clock } from '../clock.ts';
import type { Log } from '../log.ts';
import { connectionsInBaseline } from '../record/feeds.ts';
import { migrate } from '../record/migrate.ts';
import { countTickets } from '../record/timeline.ts';
import { vendors } from '../vendors/registry.ts';
import { startDesks, type DemoDesk } from './desks.ts';
import { DEMO_RULES } from './rules.ts';
import { startSlack, type Slack } from './simulators/slack/slack.ts';
import { startSlackPage } from './slack-page.ts';
import { createStream } from './stream.ts';
import { createTimeline, type Timeline } from './timeline.ts';

/**
 * The demo: four simulated desks and a simulated Slack on loopback, a real Deskhand on a real database between them,
 * and a timeline of what happens.
 */
export interface DemoOptions {
  readonly databaseUrl: string;
  /** Where the demo's rules are written, to be edited while it runs. */
  readonly folder: string;
  /** Ends by itself after this; null: until the signal aborts. */
  readonly forMs: number | null;
  /** How long what people did last may still take to be seen and acted on; default 8 s. */
  readonly graceMs?: number;
  readonly signal: AbortSignal;
  readonly port: number;
  readonly log: Log;
  readonly write: (line: string) => void;
  readonly colour: boolean;
}

const MONITORING_SECRET = Buffer.from('demo-monitoring-secret').toString('base64');
const STEP_MS = 200;
const GRACE_MS = 8_000;
const SHOWN_ACTIONS = ['reassign', 'comment', 'slack.post'];

/** Runs the demo. @returns true if tickets of every desk were reassigned, commented and posted, by poll and webhook */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const clock = systemClock;
  const startedAt = clock.now();
  const rules = join(options.folder, 'demo-rules');
  await mkdir(rules, { recursive: true });
  await writeFile(join(rules, 'demo.yaml'), DEMO_RULES);
  const [desks, slack] = await Promise.all([startDesks(), startSlack(), migrate(options.databaseUrl)]);
  const opened = connections(desks);
  const app = await startApp({
    databaseUrl: options.databaseUrl,
    alone: true,
    connections: opened,
    rulesFolder: rules,
    publishWhen: 'changed',
    known: knownNames(opened),
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
  for (const desk of desks) desk.connectTo(base);
  const slackPage = await startSlackPage({ slack, eventsUrl: `${base}/slack/events`, port: 0 });
  const timeline = createTimeline({ ...options, database: app.database, now: () => clock.now(), startedAt });
  options.write(`Deskhand demo on ${base}`);
  options.write(`Slack, simulated, with working buttons: ${slackPage.url}`);
  options.write(`Rules: ${join(rules, 'demo.yaml')} (edit and save: live within a second)`);
  options.write(
    `Ready ${((clock.now() - startedAt) / 1000).toFixed(1)} s after the database. Ctrl-C ends it.\n`,
  );
  const stage: Play = { ...options, app, desks, slack, timeline, clock, base };
  try {
    await play(stage);
  } finally {
    await slackPage.close();
    await app.stop();
    await Promise.all([...desks, slack].map((one) => one.close()));
  }
  return summarise(stage);
}

const VIPS = ['ceo@acme.com', 'cfo@acme.com'];

function connections(desks: readonly DemoDesk[]): readonly AppConnection[] {
  const ticket = {
    id: '$.alert.id',
    title: '$.alert.title',
    priority: '$.alert.severity',
    category: '$.alert.group',
  };
  return [
    ...desks.map(({ connection }) => connection),
    {
      name: 'monitoring',
      vendor: vendors.webhook,
      settings: vendors.webhook.settings.parse({ ticket }),
      settleMs: 5_000,
      reference: 'auto',
      lateAfterMs: 15 * 60_000,
      maxBody: 1024 * 1024,
      budget: null,
      poll: null,
      verify: { scheme: 'standard-webhooks', secrets: [MONITORING_SECRET] },
    },
  ];
}

function knownNames(opened: readonly AppConnection[]): Parameters<typeof startApp>[0]['known'] {
  const known = opened.map(({ name, vendor }) => {
    const { id, name: vendorName, capabilities } = vendor;
    return [name, { vendor: id, vendorName, actions: capabilities.actions }] as const;
  });
  return {
    connections: Object.fromEntries(known),
    lists: ['vips'],
    calendars: [],
    environment: [],
    oncall: [],
  };
}

interface Play extends DemoOptions {
  readonly app: App;
  readonly desks: readonly DemoDesk[];
  readonly slack: Slack;
  readonly timeline: Timeline;
  readonly clock: Clock;
  readonly base: string;
}

/** One line per desk, once Deskhand knows what is open there: what happens from now on is news. */
async function introduce({ app, desks, clock, signal, write }: Play): Promise<void> {
  const { db } = app.database;
  while (!signal.aborted && (await connectionsInBaseline(db)).size > 0) await clock.sleep(STEP_MS, signal);
  const known = await countTickets(db);
  for (const { name, vendorName, watched } of desks) {
    write(
      `${name.padEnd(13)} ${vendorName}: ${known.get(name) ?? 0} open tickets known, watched by ${watched}`,
    );
  }
  write('');
}

/** People work, the timeline prints, until the time is over or somebody ends it. */
async function play(stage: Play): Promise<void> {
  const { clock, timeline, signal } = stage;
  await introduce(stage);
  const endAt = stage.forMs === null ? Infinity : clock.monotonic() + stage.forMs;
  const streams = stage.desks.map(({ name, people }, index) => ({
    name,
    stream: createStream(people, { seed: index + 1 }),
    nextAt: clock.monotonic() + 500 + index * 1_500,
  }));
  let alertAt = clock.monotonic() + 7_000;
  let posted = 0;
  const isOver = (): boolean => clock.monotonic() >= endAt;
  while (
    !signal.aborted &&
    !(isOver() && (wasShown(stage) || clock.monotonic() >= endAt + (stage.graceMs ?? GRACE_MS)))
  ) {
    for (const desk of streams) {
      if (isOver() || clock.monotonic() < desk.nextAt) continue;
      const happening = desk.stream.nextHappening();
      timeline.say('desk', `${desk.name}: ${happening.text}`);
      desk.nextAt = clock.monotonic() + happening.nextInMs;
    }
    if (!isOver() && clock.monotonic() >= alertAt) {
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

/** Desks on which something is still to be shown. */
function idleDesks({ timeline, desks }: Play): readonly DemoDesk[] {
  return desks.filter(
    ({ name }) => !SHOWN_ACTIONS.every((action) => timeline.counts.has(`${name}: ${action}`)),
  );
}

function wasShown(stage: Play): boolean {
  const byVia = SHOWN_ACTIONS.every((action) =>
    ['poll', 'webhook'].every((via) => stage.timeline.counts.has(`${action} from a ${via}: done`)),
  );
  return byVia && idleDesks(stage).length === 0;
}

function summarise(stage: Play): boolean {
  const { timeline, slack, write } = stage;
  write('\nWhat happened:');
  const line = (count: number, what: string): void => write(`  ${String(count).padStart(4)}  ${what}`);
  for (const [what, count] of [...timeline.counts].toSorted(([a], [b]) => (a < b ? -1 : 1)))
    line(count, what);
  line(slack.messages.length, 'messages in Slack');
  const shown = wasShown(stage);
  const idle = idleDesks(stage).map(({ name }) => name);
  write(
    shown
      ? '\nEverything was shown: reassign, comment and Slack on all four desks, from a poll and from a webhook.'
      : `\nNot everything was shown${idle.length === 0 ? '' : `: too little on ${idle.join(', ')}`}.`,
  );
  return shown;
}
