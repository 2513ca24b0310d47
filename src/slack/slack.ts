import type { Hono } from 'hono';
import type { Clock } from '../clock.ts';
import type { SlaSource } from '../ingest/timers.ts';
import type { Log } from '../log.ts';
import { startLoop, type Loop } from '../loop.ts';
import type { Database } from '../record/database.ts';
import { createSlackApi, type SlackApi } from './api.ts';
import { connectSocket, createBolt, type SlackListeners } from './bolt.ts';
import type { LayoutDeps } from './own-blocks.ts';
import { createSlackReceiver } from './receiver.ts';
import { redrawOnce } from './redraw.ts';
import { wakeQueues } from './turns.ts';

/**
 * Slack as one part of the process: in come requests and changes of tickets, out go messages that stay true. A Slack
 * that does not answer holds up nothing here: whatever needs it is tried again.
 */
export interface SlackSettings {
  readonly botToken: string;
  readonly apiUrl: string;
  readonly settleMs: number;
  /** Null and absent: no requests over HTTP. */
  readonly signingSecret?: string | null;
  /** Socket Mode instead of HTTP. */
  readonly appToken?: string | null;
  readonly operationsChannel?: string | null;
  /** Who may press buttons; empty: everyone in the workspace. */
  readonly allowedGroups?: readonly string[];
  /** Slack id → e-mail at the desks, where they differ. */
  readonly users?: Readonly<Record<string, string>>;
  /** How long after a ticket's message others that resemble it go under it; default 0: never. */
  readonly similarWithinMs?: number;
}

export interface SlackDeps {
  readonly settings: SlackSettings;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  /** There are steps to be taken. */
  readonly wakeActions: () => void;
  /** True while a person stopped every action: nothing is drawn or posted on our own account. */
  readonly paused: () => boolean;
  /** Null: nobody listens to people in Slack. */
  readonly listeners: SlackListeners | null;
  /** For deadlines of our own; default none. */
  readonly store?: SlaSource;
  /** For redrawing layouts of rules' own. */
  readonly layouts: LayoutDeps;
  /** More loops: name, pause in ms, round. */
  readonly rounds: readonly SlackRound[];
}

export interface SlackRound {
  readonly name: string;
  readonly idleMs: number;
  readonly runOnce: (signal: AbortSignal) => Promise<boolean>;
}

export interface SlackPart {
  readonly api: SlackApi;
  /** To be mounted at `/slack`; null in Socket Mode. */
  readonly routes: Hono | null;
  start(): void;
  stop(): Promise<void>;
}

const REDRAW_MS = 100;
const QUEUE_MS = 250;

/** Opens the client for posting; makes no call. */
export function openSlackApi(settings: SlackSettings, clock: Clock): Promise<SlackApi> {
  return createSlackApi({ token: settings.botToken, apiUrl: settings.apiUrl, now: () => clock.now() });
}

/** Builds everything; nothing runs before `start`. Bolt is loaded only when people can be listened to. */
export async function createSlack(api: SlackApi, deps: SlackDeps): Promise<SlackPart> {
  const { settings, database, clock, log } = deps;
  const { botToken, apiUrl, signingSecret = null, appToken = null } = settings;
  const receiver =
    appToken !== null || signingSecret === null
      ? null
      : createSlackReceiver({ signingSecret, now: () => clock.now(), log });
  const listening = deps.listeners !== null && (receiver !== null || appToken !== null);
  const bolt =
    deps.listeners === null || !listening
      ? null
      : await createBolt(
          { botToken, apiUrl, receiver: receiver?.bolt ?? null, appToken, log },
          deps.listeners,
        );
  const targets = deps.store === undefined ? {} : { store: deps.store };
  const stopping = new AbortController();
  const loops: Loop[] = [];
  const rounds: readonly SlackRound[] = [
    {
      name: 'slack redraw',
      idleMs: REDRAW_MS,
      runOnce: (signal) => redrawOnce({ ...deps.layouts, ...targets, database, slack: api }, signal),
    },
    {
      name: 'slack queue',
      idleMs: QUEUE_MS,
      runOnce: async () => {
        if ((await wakeQueues(database)) > 0) deps.wakeActions();
        return false;
      },
    },
    ...deps.rounds,
  ];
  return {
    api,
    routes: receiver?.routes ?? null,
    start() {
      for (const { name, idleMs, runOnce } of rounds) {
        const runUnlessPaused = async (signal: AbortSignal): Promise<boolean> =>
          !deps.paused() && (await runOnce(signal));
        loops.push(startLoop({ name, idleMs, runOnce: runUnlessPaused, clock, log }));
      }
      if (bolt !== null && appToken !== null) void connectSocket(bolt, clock, log, stopping.signal);
    },
    async stop() {
      stopping.abort();
      await Promise.all(loops.map((loop) => loop.stop()));
      if (bolt !== null && appToken !== null) await bolt.stop().catch(() => undefined);
    },
  };
}
