import type { Connection } from '../connections.ts';
import type { Clock } from '../clock.ts';
import type { StoreDeps } from '../ingest/store-event.ts';
import type { Log } from '../log.ts';
import type { Database } from '../record/database.ts';
import type { SlackApi } from './api.ts';
import { createSlack, type SlackPart, type SlackSettings } from './slack.ts';

/** What Slack shares with the rest of the process. */
export interface StartSlackOptions {
  readonly settings: SlackSettings;
  readonly api: SlackApi;
  readonly database: Database;
  readonly clock: Clock;
  readonly log: Log;
  readonly store: StoreDeps;
  readonly connections: ReadonlyMap<number, Connection>;
  /** There are steps to be taken. */
  readonly wakeActions: () => void;
  /** Rules or everything were paused or resumed. */
  readonly onPauses: () => Promise<void>;
}

/** Puts Slack's parts together and starts them. */
export async function startSlack(options: StartSlackOptions): Promise<SlackPart> {
  const slack = await createSlack(options.api, { ...options, listeners: null, rounds: [] });
  slack.start();
  return slack;
}
