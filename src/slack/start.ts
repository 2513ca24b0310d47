import { createRendering } from '../act/render.ts';
import type { Connection } from '../connections.ts';
import type { Clock } from '../clock.ts';
import type { StoreDeps } from '../ingest/store-event.ts';
import type { Log } from '../log.ts';
import type { MatchSettings } from '../match/matcher.ts';
import type { Database } from '../record/database.ts';
import type { SlackApi } from './api.ts';
import { tidySlack } from '../record/slack-upkeep.ts';
import { answerOnce } from './answers.ts';
import { createListeners } from './listeners.ts';
import { tellOperationsOnce } from './operations.ts';
import { createSlack, type SlackPart, type SlackRound, type SlackSettings } from './slack.ts';

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
  /** True while a person stopped every action. */
  readonly paused: () => boolean;
  /** Rules or everything were paused or resumed. */
  readonly onPauses: () => Promise<void>;
  readonly matchSettings: MatchSettings;
  /** Rota → who has it now; default nobody. */
  readonly onCall?: () => Readonly<Record<string, string>>;
}

/** Puts Slack's parts together and starts them. */
export async function startSlack(options: StartSlackOptions): Promise<SlackPart> {
  const { settings, api, database, store } = options;
  const onCall = options.onCall ?? (() => ({}));
  const people = { api, allowedGroups: settings.allowedGroups ?? [], users: settings.users ?? {} };
  const listeners = createListeners({
    ...options,
    people,
    settings: options.matchSettings,
    compiled: (ruleSetId) => {
      const book = store.active.current();
      return book.setId === ruleSetId ? book.matcher : null;
    },
    onCall,
  });
  const layouts = { ruleOf: (id: number) => store.active.ruleOf(id), rendering: createRendering(), onCall };
  const rounds: SlackRound[] = [
    {
      name: 'slack answers',
      idleMs: ANSWER_MS,
      runOnce: (signal: AbortSignal) => answerOnce({ database, api }, signal),
    },
  ];
  rounds.push({
    name: 'slack upkeep',
    idleMs: UPKEEP_MS,
    runOnce: async () => (await tidySlack(database.db, UPKEEP_AT_ONCE)) >= UPKEEP_AT_ONCE,
  });
  const channel = settings.operationsChannel ?? null;
  if (channel !== null) {
    const { newId } = store;
    const { wakeActions } = options;
    const runOnce = (): Promise<boolean> => tellOperationsOnce({ database, channel, newId, wakeActions });
    rounds.push({ name: 'slack operations', idleMs: OPERATIONS_MS, runOnce });
  }
  const slack = await createSlack(api, { ...options, listeners, layouts, rounds });
  slack.start();
  return slack;
}

const ANSWER_MS = 200;
const OPERATIONS_MS = 1_000;
const UPKEEP_MS = 15 * 60_000;
const UPKEEP_AT_ONCE = 1_000;
