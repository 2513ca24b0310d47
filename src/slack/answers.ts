import type { Database } from '../record/database.ts';
import { touchMessages } from '../record/slack-messages.ts';
import { setPressDetail, settlePresses, type SettledPress } from '../record/slack-presses.ts';
import type { SlackApi } from './api.ts';
import { lookAgain } from './press.ts';
import { literal } from './text.ts';

/**
 * Tells people what became of what they asked for: the ticket's message shows it, and who asked is told when the desk
 * refused. The message is the answer; the whisper is sent at most once.
 */
export interface AnswerDeps {
  readonly database: Database;
  readonly api: SlackApi;
}

const AT_ONCE = 50;

export async function answerOnce(deps: AnswerDeps, signal: AbortSignal): Promise<boolean> {
  const settled = await deps.database.transaction(async (tx) => {
    const presses = await settlePresses(tx, AT_ONCE);
    for (const press of presses) {
      await setPressDetail(tx, press.key, detailOf(press));
      await lookAgain(tx, press.connectionId, press.ticketId);
    }
    if (presses.length > 0) await touchMessages(tx, presses);
    return presses;
  });
  await Promise.all(settled.map((press) => whisper(press, deps, signal)));
  return settled.length === AT_ONCE;
}

const WORDS: Readonly<Record<string, string>> = {
  assign: 'Assigning',
  close: 'Closing',
  comment: 'Commenting',
  'comment-public': 'Commenting',
  escalate: 'Escalating',
};

/** What went wrong, for everybody to see; null where the message itself will show the result. */
function detailOf(press: SettledPress): string | null {
  const failed = press.steps.find((step) => step.state !== 'done' && step.state !== 'skipped');
  if (failed === undefined) return null;
  const word = WORDS[press.action] ?? press.action;
  const again =
    failed.state === 'uncertain' ? 'It is not known whether the desk took it' : 'The desk did not take it';
  return `⚠️ ${word} failed. ${again}: ${failed.reason ?? failed.state}`;
}

async function whisper(press: SettledPress, deps: AnswerDeps, signal: AbortSignal): Promise<void> {
  const detail = detailOf(press);
  if (press.channel === null) return;
  const already = press.steps.every((step) => step.state === 'skipped');
  const text = detail ?? (already ? 'It already was so.' : DONE[press.action]);
  if (text === undefined) return;
  await deps.api.whisper(press.channel, press.userId, literal(text), signal).catch(() => undefined);
}

/** What the message does not show by itself. */
const DONE: Readonly<Record<string, string>> = {
  comment: 'Your internal comment is on the ticket.',
  'comment-public': 'Your public comment is on the ticket.',
};
