import type { DeskEvent } from '../event.ts';
import { section, type Drawn } from './card.ts';
import { cutMrkdwn, literal, MAX_SECTION } from './text.ts';

/** The rule under which Deskhand speaks about itself. */
export const OPERATIONS_RULE = 'slack:operations';

/** True for posts about Deskhand itself. */
export function isOperations(ruleId: string): boolean {
  return ruleId === OPERATIONS_RULE;
}

/** A message in the operations channel; a paused rule is decided upon right there. */
export function drawOperations(event: DeskEvent): Drawn {
  const shown = cutMrkdwn(literal(sayOperations(event)), MAX_SECTION);
  const rule = (event.body as { rule?: unknown } | null)?.rule;
  if (event.type !== 'rule.paused' || typeof rule !== 'string')
    return { text: shown, blocks: [section(shown)] };
  const button = (kind: string, label: string, style: object): object => ({
    type: 'button',
    action_id: `rule:${kind}`,
    text: { type: 'plain_text', text: label },
    value: rule.slice(0, 2_000),
    ...style,
  });
  const elements = [
    button('release', 'Resume and run what waits', { style: 'primary' }),
    button('discard', 'Resume and discard what waits', { style: 'danger' }),
  ];
  return { text: shown, blocks: [section(shown), { type: 'actions', elements }] };
}

/** What happened, in one line that a person can act on. Its values are escaped by whoever shows it. */
export function sayOperations(event: DeskEvent): string {
  const body = (event.body ?? {}) as Readonly<Record<string, unknown>>;
  const of = (key: string): string => {
    const value = body[key];
    return typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  };
  const why = of('reason') === '' ? '' : `: ${of('reason')}`;
  switch (event.type) {
    case 'rule.paused':
      return `⏸️ Rule ${of('rule')} is paused${why}. What it matches waits for your decision.`;
    case 'rule.muted':
      return `🔇 Rule ${of('rule')} ran too often on ticket ${of('ticket_id')} of ${event.connection} and is silent there for a while.`;
    case 'feed.gap':
      return `🕳️ ${event.connection}: changes may have been missed in feed ${event.feed ?? of('feed')}${why}`;
    case 'connection.recovered':
      return `🟢 ${event.connection} works again.`;
    case 'connection.rate_limited':
      return `🐢 ${event.connection} asks to slow down${why}`;
    case 'connection.auth_failed':
      return `🔑 ${event.connection} refuses our credentials${why}. Nothing is read or written there until they are right.`;
    case 'audit.overdue':
      return `⏰ ${overdueIn(of)} should have run and did not; the oldest is ${Math.ceil(Number(of('worstSeconds')) / 60)} minutes late. Something is stuck or too slow: deskhand status shows more.`;
    default:
      return `🔴 ${event.connection}: ${event.type}${why}`;
  }
}

/** `3 steps, 1 timer` */
function overdueIn(of: (key: string) => string): string {
  const kinds = { steps: 'step', timers: 'timer', schedules: 'schedule', stuckRuns: 'run' };
  return Object.entries(kinds)
    .map(([key, word]) => ({ count: Number(of(key)), word }))
    .filter(({ count }) => count > 0)
    .map(({ count, word }) => `${count} ${count === 1 ? word : `${word}s`}`)
    .join(', ');
}
