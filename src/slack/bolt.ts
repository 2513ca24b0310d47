import type { App, Logger, Receiver } from '@slack/bolt';
import type { Clock } from '../clock.ts';
import { messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import {
  commandBody,
  homeBody,
  readPress,
  viewBody,
  type Press,
  type SlashCommand,
  type Submission,
} from './bodies.ts';

/** What people do in Slack. Each stores what it has to before it returns: its return is the acknowledgement. */
export interface SlackListeners {
  press(press: Press): Promise<void>;
  /** @returns what only this person sees */
  command(command: SlashCommand): Promise<SlackReply>;
  /** @returns null to close the dialog, or what is wrong per block */
  submit(view: Submission): Promise<Readonly<Record<string, string>> | null>;
  homeOpened(userId: string): Promise<void>;
}

/** An answer that only the asking person sees. */
export interface SlackReply {
  readonly text: string;
  readonly blocks?: readonly object[];
}

export interface BoltOptions {
  readonly botToken: string;
  readonly apiUrl: string;
  /** Null: Socket Mode. */
  readonly receiver: Receiver | null;
  readonly appToken: string | null;
  readonly log: Log;
}

/**
 * Loads Bolt and connects our listeners. Without its own token check: Bolt would call Slack once and fail all requests
 * after a dead Slack at the start.
 */
export async function createBolt(options: BoltOptions, listeners: SlackListeners): Promise<App> {
  const { App: BoltApp, LogLevel } = await import('@slack/bolt');
  const app = new BoltApp({
    ...(options.receiver === null
      ? { socketMode: true, appToken: options.appToken ?? '' }
      : { receiver: options.receiver }),
    authorize: () => Promise.resolve({ botToken: options.botToken }),
    ignoreSelf: false,
    logger: createBoltLogger(options.log, LogLevel.WARN),
    clientOptions: {
      slackApiUrl: options.apiUrl,
      retryConfig: { retries: 0 },
      rejectRateLimitedCalls: true,
      timeout: 10_000,
      allowAbsoluteUrls: false,
    },
  });
  listen(app, listeners, options.log);
  return app;
}

function listen(app: App, listeners: SlackListeners, log: Log): void {
  app.action(/(?:)/, async ({ body, ack }) => {
    await listeners.press(readPress(body));
    await ack();
  });
  app.command(/(?:)/, async ({ body, ack }) => {
    const { text, blocks } = await listeners.command(commandBody.parse(body));
    await ack({
      response_type: 'ephemeral',
      text,
      ...(blocks === undefined ? {} : { blocks: blocks as never }),
    });
  });
  app.view(/(?:)/, async ({ body, ack }) => {
    const errors = await listeners.submit(viewBody.parse(body));
    await (errors === null ? ack() : ack({ response_action: 'errors', errors }));
  });
  app.event('app_home_opened', async ({ body }) => {
    // Acknowledged by now; a home that is not drawn is drawn when it is opened again.
    await listeners
      .homeOpened(homeBody.parse(body).event.user)
      .catch((error: unknown) => log.warn({ err: error }, 'the app home was not drawn'));
  });
}

function createBoltLogger(log: Log, level: ReturnType<Logger['getLevel']>): Logger {
  const said = (parts: readonly unknown[]): string => parts.map(messageOf).join(' ');
  return {
    debug: () => undefined,
    info: () => undefined,
    warn: (...parts) => log.warn({ slack: said(parts) }, 'Bolt warns'),
    error: (...parts) => log.error({ slack: said(parts) }, 'Bolt failed'),
    setLevel: () => undefined,
    getLevel: () => level,
    setName: () => undefined,
  };
}

const CONNECT_AGAIN_MS = 5_000;

/** Connects Socket Mode in the background and keeps trying: a dead Slack holds up nothing. */
export async function connectSocket(app: App, clock: Clock, log: Log, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    try {
      await app.start();
      log.info({}, 'connected to Slack by Socket Mode');
      return;
    } catch (error) {
      log.warn({ err: error }, 'Slack cannot be reached for Socket Mode');
      await clock.sleep(CONNECT_AGAIN_MS, signal);
    }
  }
}
