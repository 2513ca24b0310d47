import type { DeskEvent } from '../event.ts';
import { section, type Drawn } from './card.ts';
import { cutMrkdwn, MAX_SECTION } from './text.ts';

/** The rule under which Deskhand speaks about itself. */
export const OPERATIONS_RULE = 'slack:operations';

/** True for posts about Deskhand itself. */
export function isOperations(ruleId: string): boolean {
  return ruleId === OPERATIONS_RULE;
}

/** A message in the operations channel; a paused rule is decided upon right there. */
export function drawOperations(event: DeskEvent, text: string): Drawn {
  const shown = cutMrkdwn(text, MAX_SECTION);
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
