import type { Aspect, Change, ChangedBy } from '../event.ts';
import {
  FINAL_PHASES,
  type Comment,
  type CustomValue,
  type ObservedTicket,
  type Person,
  type Phase,
  type TicketFields,
} from '../ticket.ts';

/**
 * The difference between two states of a ticket. Pure. A field that was not fetched on either side is no change:
 * otherwise fetching more detail would look like an edit.
 */

/** Not diffed: what moves by itself (`updated_at`, `awaiting`, `raw`), and what never changes. */
const DIFFED = [
  'title',
  'description',
  'status',
  'phase',
  'sub_status',
  'priority',
  'type',
  'category',
  'queue',
  'assignee',
  'requester',
  'company',
  'location',
  'tags',
  'due_at',
  'escalate_at',
  'resolved_at',
  'closed_at',
] as const satisfies readonly (keyof TicketFields)[];

/** Names of the fields a change can be seen in, besides `custom.<name>` and `sla.<name>`. */
export const DIFFED_FIELDS: readonly string[] = DIFFED;

const ASPECTS: Readonly<Record<string, Aspect>> = {
  assignee: 'assigned',
  status: 'status',
  phase: 'status',
  sub_status: 'status',
  priority: 'priority',
  category: 'category',
  tags: 'tagged',
};

export interface FieldChange {
  readonly from: unknown;
  readonly to: unknown;
}

/** All fields whose value differs, keyed as in an event's `changes`. */
export function diffTicket(
  before: ObservedTicket,
  after: ObservedTicket,
): Readonly<Record<string, FieldChange>> {
  const changes: Record<string, FieldChange> = {};
  for (const field of DIFFED) {
    const from = before[field];
    const to = after[field];
    if (from === undefined || to === undefined || sameValue(from, to)) continue;
    if (field === 'priority' && samePriority(from, to)) continue;
    changes[field] = { from: changeValue(field, from), to: changeValue(field, to) };
  }
  diffCustom(before.custom, after.custom, changes);
  diffSla(before.sla, after.sla, changes);
  return changes;
}

/** A desk may number the same priority anew in each queue (GoToAssist): level and name are what people see of it. */
function samePriority(from: unknown, to: unknown): boolean {
  return isRecord(from) && isRecord(to) && from['level'] === to['level'] && from['name'] === to['name'];
}

function diffCustom(
  before: TicketFields['custom'] | undefined,
  after: TicketFields['custom'] | undefined,
  changes: Record<string, FieldChange>,
): void {
  if (before === undefined || after === undefined) return;
  for (const name of new Set([...Object.keys(before), ...Object.keys(after)])) {
    const from = ownValue(before, name);
    const to = ownValue(after, name);
    if (!sameValue(from, to)) changes[`custom.${name}`] = { from, to };
  }
}

function ownValue(custom: TicketFields['custom'], name: string): CustomValue['value'] {
  return Object.hasOwn(custom, name) ? (custom[name]?.value ?? null) : null;
}

function diffSla(
  before: TicketFields['sla'] | undefined,
  after: TicketFields['sla'] | undefined,
  changes: Record<string, FieldChange>,
): void {
  if (before === undefined || after === undefined) return;
  for (const name of ['response_due_at', 'resolution_due_at', 'state'] as const) {
    if (before[name] !== after[name]) changes[`sla.${name}`] = { from: before[name], to: after[name] };
  }
}

/** Priority changes are told by level where there is one; everything else as it stands in the ticket. */
export function changeValue(field: string, value: unknown): unknown {
  if (field === 'priority' && isRecord(value)) return value['level'] ?? value['name'] ?? null;
  return value;
}

/**
 * Whether two values of a field are the same thing. Named things and persons are the same when their ids are: a
 * list row and a detail page write the same person's name differently.
 */
export function sameValue(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true;
  if (Array.isArray(a) && Array.isArray(b)) return sameList(a, b);
  if (!isRecord(a) || !isRecord(b)) return false;
  if (typeof a['id'] === 'string' && typeof b['id'] === 'string') return a['id'] === b['id'];
  for (const key of ['email', 'name']) {
    if (typeof a[key] === 'string' && typeof b[key] === 'string') return a[key] === b[key];
  }
  return JSON.stringify(a) === JSON.stringify(b);
}

/** Lists are sets here: desks return tags in any order. */
function sameList(a: readonly unknown[], b: readonly unknown[]): boolean {
  if (a.length !== b.length) return false;
  const texts = (list: readonly unknown[]): string =>
    JSON.stringify(list.map((v) => JSON.stringify(v)).sort());
  return texts(a) === texts(b);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Coarse names for what changed. */
export function aspectsOf(changes: Readonly<Record<string, FieldChange>>): readonly Aspect[] {
  const aspects = new Set<Aspect>(Object.keys(changes).map((field) => ASPECTS[field] ?? 'field'));
  const phase = changes['phase'];
  if (phase !== undefined) {
    const from = phase.from as Phase;
    const to = phase.to as Phase;
    if (to === 'resolved') aspects.add('resolved');
    if (to === 'closed') aspects.add('closed');
    if (isReopening(from, to)) aspects.add('reopened');
  }
  return [...aspects];
}

/** A ticket that was finished is not any more. */
export function isReopening(from: Phase, to: Phase): boolean {
  return FINAL_PHASES.includes(from) && !FINAL_PHASES.includes(to);
}

/** A reopened ticket, or one in another queue, is a new situation that nobody has acknowledged. */
export function resetsAttention(changes: Readonly<Record<string, FieldChange>>): boolean {
  const phase = changes['phase'];
  if (phase !== undefined && isReopening(phase.from as Phase, phase.to as Phase)) return true;
  return changes['queue'] !== undefined;
}

/** One of our writes, as the next snapshot has to be read with. */
export interface OwnWriteMark {
  readonly id: string;
  readonly field: string;
  readonly value: unknown;
  readonly depth: number;
  readonly stepId: string;
  readonly answeredSeq: number | null;
}

export interface Attributed {
  readonly changes: Readonly<Record<string, Change>>;
  /** Ids of marks that this snapshot has used up. */
  readonly consumed: readonly string[];
  /** Deepest cause among the changes that are ours; null: none is. */
  readonly cause: { readonly depth: number; readonly stepId: string } | null;
}

/**
 * Tells our changes from other people's. A read begun after our call was answered settles a mark: an equal value is
 * ours, a different one is somebody's edit on top of ours (`from` is our value); a read begun before may only find
 * our value already there.
 *
 * @param readSeq sequence value taken before the read began
 */
export function attribute(
  changes: Readonly<Record<string, FieldChange>>,
  after: ObservedTicket,
  marks: readonly OwnWriteMark[],
  readSeq: number,
  lastUpdatedBy: Person | null | undefined,
): Attributed {
  const by = changedBy(lastUpdatedBy);
  const result: Record<string, Change> = {};
  const consumed: string[] = [];
  let cause: Attributed['cause'] = null;
  for (const [field, change] of Object.entries(changes)) result[field] = { ...change, by };

  for (const mark of marks) {
    const now = valueAt(after, mark.field);
    if (now === undefined) continue;
    const settled = mark.answeredSeq !== null && readSeq > mark.answeredSeq;
    const change = result[mark.field];
    const ours = isAnyValue(mark.value) ? change !== undefined : sameValue(now, mark.value);
    if (ours) {
      if (change !== undefined) {
        result[mark.field] = { ...change, by: 'self' };
        if (cause === null || mark.depth > cause.depth) cause = { depth: mark.depth, stepId: mark.stepId };
        consumed.push(mark.id);
      } else if (settled) {
        consumed.push(mark.id);
      }
    } else if (settled && change !== undefined && !isAnyValue(mark.value)) {
      result[mark.field] = { from: mark.value, to: change.to, by: 'unknown' };
      consumed.push(mark.id);
    }
  }
  return { changes: result, consumed, cause };
}

/** The value of a mark for a field that the desk moved along with our write, to a value that nobody could foretell. */
export const ANY_VALUE = { any: true } as const;

function isAnyValue(value: unknown): boolean {
  return isRecord(value) && value['any'] === true;
}

/** A field's value in the form that `changes` uses. */
export function valueAt(ticket: ObservedTicket, field: string): unknown {
  if (field.startsWith('custom.')) {
    return ticket.custom === undefined ? undefined : ownValue(ticket.custom, field.slice('custom.'.length));
  }
  if (!(DIFFED as readonly string[]).includes(field)) return undefined;
  const value = ticket[field as (typeof DIFFED)[number]];
  return value === undefined ? undefined : changeValue(field, value);
}

function changedBy(person: Person | null | undefined): ChangedBy {
  if (person?.kind === 'agent') return 'agent';
  return person?.kind === 'requester' ? 'requester' : 'unknown';
}

/** Comments of `now` that are news: not known before, and not older than the history that ends at `baselineAt`. */
export function newComments(
  known: readonly string[] | null,
  now: readonly Comment[],
  baselineAt: number,
  wantSystem: boolean,
): readonly Comment[] {
  const seen = new Set(known ?? []);
  return now.filter((comment) => {
    if (seen.has(comment.id) || (comment.system && !wantSystem)) return false;
    const at = comment.at === null ? null : Date.parse(comment.at);
    return at === null ? known !== null : at >= baselineAt;
  });
}
