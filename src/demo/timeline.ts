import type { Database } from '../record/database.ts';
import {
  readEventsSince,
  readStepsSince,
  type TimelineEvent,
  type TimelineStep,
} from '../record/timeline.ts';

/** Prints what the database says happened, as it happens: nothing here is told by the engine directly. */
export interface Timeline {
  /** A line of the world outside: a person at a desk, a message in Slack. */
  say(mark: Mark, text: string): void;
  /** Prints what was recorded since the last call. */
  runOnce(): Promise<void>;
  readonly counts: ReadonlyMap<string, number>;
}

export type Mark = 'desk' | 'event' | 'rule' | 'action' | 'slack';

const COLOURS: Readonly<Record<Mark, number>> = { desk: 33, event: 36, rule: 35, action: 32, slack: 34 };
const LABELS: Readonly<Record<Mark, string>> = {
  desk: 'desk   ',
  event: 'event  ',
  rule: 'rule   ',
  action: 'action ',
  slack: 'slack  ',
};

export interface TimelineOptions {
  readonly database: Database;
  readonly write: (line: string) => void;
  readonly colour: boolean;
  /** Epoch ms. */
  readonly now: () => number;
  readonly startedAt: number;
}

export function createTimeline(options: TimelineOptions): Timeline {
  const counts = new Map<string, number>();
  let lastEvent = '00000000-0000-0000-0000-000000000000';
  let lastStep = new Date(0);

  function count(what: string): void {
    counts.set(what, (counts.get(what) ?? 0) + 1);
  }

  function say(mark: Mark, text: string): void {
    const seconds = ((options.now() - options.startedAt) / 1000).toFixed(1).padStart(5);
    const label = options.colour ? `\u001b[${COLOURS[mark]}m${LABELS[mark]}\u001b[0m` : LABELS[mark];
    options.write(`${seconds}s  ${label}  ${clean(text)}`);
  }

  function sayEvent(entry: TimelineEvent): void {
    count('events');
    count(`${entry.event.connection}: events`);
    say('event', `${describeEvent(entry)}`);
    for (const { rule, state, reason } of entry.rules) {
      count('rules matched');
      say('rule', `  ${rule} matches${state === 'ended' ? ` (${reason ?? 'ended'})` : ''}`);
    }
  }

  function sayStep(step: TimelineStep): void {
    const via = step.eventVia === 'webhook' ? 'webhook' : 'poll';
    count(`${step.action} from a ${via}: ${step.state}`);
    if (step.state === 'done') count(`${step.connection}: ${step.action}`);
    const ticket = step.ticketId === null ? step.connection : `${step.connection} #${step.ticketId}`;
    const reason = step.reason === null ? '' : ` (${step.reason})`;
    say('action', `  ${step.rule}: ${step.action} ${ticket} ${step.state}${reason}`);
  }

  return {
    say,
    counts,
    async runOnce() {
      const [events, steps] = await Promise.all([
        readEventsSince(options.database.db, lastEvent),
        readStepsSince(options.database.db, lastStep),
      ]);
      const last = steps.at(-1);
      lastEvent = events.at(-1)?.id ?? lastEvent;
      if (last !== undefined) lastStep = new Date(last.at + 1);
      const entries = [...events, ...steps].sort((a, b) => a.at - b.at);
      for (const entry of entries) {
        if (entry.kind === 'event') sayEvent(entry);
        else sayStep(entry);
      }
    },
  };
}

function describeEvent({ event }: TimelineEvent): string {
  const ticket = event.ticket === null ? '' : ` ${event.ticket.display_id ?? ''} ${event.ticket.title ?? ''}`;
  const changed = Object.entries(event.changes ?? {}).map(([field, change]) => `${field} by ${change.by}`);
  const detail = changed.length === 0 ? '' : ` [${changed.join(', ')}]`;
  return `${event.connection} ${event.type}${ticket}${detail} (via ${event.via})`;
}

/** Ticket text goes to a terminal: control characters stay out. */
function clean(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}]/gu, ' ');
}
