import { changeValue, sameValue, valueAt } from '../ingest/diff.ts';
import type { ObservedTicket } from '../ticket.ts';
import type { Child, PlannedWrite } from '../vendors/vendor.ts';
import { sameText } from '../vendors/http/text.ts';

/**
 * Did a call whose answer we lost take effect? Pure judgements over what was read back; reading and waiting are the
 * executor's.
 */

export type Found =
  | { readonly answer: 'present'; readonly child: string | null }
  | { readonly answer: 'absent' }
  | { readonly answer: 'uncertain'; readonly because: string }
  /** Somebody else's value stands there: never write over it again. */
  | { readonly answer: 'overtaken'; readonly because: string };

export interface AppendEvidence {
  /** Null: the vendor cannot list them. */
  readonly children: readonly Child[] | null;
  readonly text: string;
  readonly botUserId: string | null;
  /** Ids listed right before the send: they cannot be ours. */
  readonly before: readonly string[];
  /** Ids that belong to other steps. */
  readonly taken: ReadonlySet<string>;
}

/**
 * Looks for our own child: our author, equal text (tags stripped, entities decoded, white space collapsed), not listed
 * before the send, and not another step's. Its time is not asked: a clock that had jumped would hide it.
 */
export function judgeAppend(evidence: AppendEvidence): Found {
  if (evidence.children === null)
    return { answer: 'uncertain', because: 'the desk cannot list what was sent' };
  const known = new Set(evidence.before);
  const candidates = evidence.children.filter(
    (child) =>
      !known.has(child.id) &&
      !evidence.taken.has(child.id) &&
      (evidence.botUserId === null || child.authorId === null || child.authorId === evidence.botUserId) &&
      sameText(evidence.text, child.text),
  );
  const first = candidates[0];
  return first === undefined ? { answer: 'absent' } : { answer: 'present', child: first.id };
}

/** Compares a fresh ticket with what a state-setting write wanted and what stood there before it. */
export function judgeSets(sets: PlannedWrite['sets'], ticket: ObservedTicket): Found {
  const overtaken: string[] = [];
  let applied = true;
  for (const [field, { from, to }] of Object.entries(sets)) {
    const now = valueAt(ticket, field);
    if (now === undefined) return { answer: 'uncertain', because: `${field} cannot be read back` };
    if (sameValue(now, changeValue(field, to))) continue;
    applied = false;
    if (!sameValue(now, changeValue(field, from))) overtaken.push(field);
  }
  if (applied) return { answer: 'present', child: null };
  if (overtaken.length > 0) {
    return { answer: 'overtaken', because: `someone else changed ${overtaken.join(', ')} meanwhile` };
  }
  return { answer: 'absent' };
}

/** Absence counts only once the desk has had its settle time, and then twice. */
export const ABSENCES_NEEDED = 2;
const BETWEEN_ABSENCES_MS = 5_000;

export type AbsenceStep =
  | { readonly decision: 'look again'; readonly inMs: number; readonly absences: number }
  | { readonly decision: 'resend' };

/** What an absence means at this moment. @param now app_now(), epoch ms */
export function weighAbsence(
  intent: { readonly deadlineAt: number; readonly absences: number },
  settleMs: number,
  now: number,
): AbsenceStep {
  const settledAt = intent.deadlineAt + settleMs;
  if (now < settledAt) return { decision: 'look again', inMs: settledAt - now, absences: intent.absences };
  const absences = intent.absences + 1;
  if (absences >= ABSENCES_NEEDED) return { decision: 'resend' };
  return { decision: 'look again', inMs: BETWEEN_ABSENCES_MS, absences };
}
