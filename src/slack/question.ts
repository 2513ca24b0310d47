import { section, type Drawn } from './card.ts';
import { cut, cutMrkdwn, literalInline, MAX_SECTION } from './text.ts';

/** Slack: at most 25 elements in a row of buttons, 75 characters on each. */
const MAX_BUTTONS = 25;
const MAX_LABEL = 75;

/** A question with a button per answer. */
export function drawQuestion(text: string, stepId: string, labels: readonly string[]): Drawn {
  const elements = labels.slice(0, MAX_BUTTONS).map((label, index) => ({
    type: 'button',
    action_id: `ask:${index}`,
    text: { type: 'plain_text', text: cut(label, MAX_LABEL) },
    value: `${stepId}|${label}`,
  }));
  const shown = cutMrkdwn(text, MAX_SECTION);
  return { text: shown, blocks: [section(shown), { type: 'actions', elements }] };
}

/** The same question with its answer instead. @param by null: nobody answered in time */
export function drawAnswered(text: string, answer: string, by: string | null): Drawn {
  const shown = cutMrkdwn(text, MAX_SECTION - 300);
  const who = by === null ? 'nobody answered in time' : literalInline(by);
  return {
    text: shown,
    blocks: [section(shown), section(`➡️ *${literalInline(cut(answer, 100))}* (${who})`)],
  };
}
