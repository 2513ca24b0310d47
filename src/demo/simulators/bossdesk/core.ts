import type { DeskClock } from '../support/server.ts';
import type { BossState, BossTicket } from './state.ts';

/** What the list does with `q[…]`: honours it, ignores all of it silently, or ignores only the sort. */
export type BossSearchMode = 'honours' | 'ignores' | 'ignores_sort';

export interface BossBehaviour {
  /** The account's zone, for times written without one. */
  readonly timeZone: string;
  /** Whether comments, tasks and time entries move `updated_at`; not documented. */
  readonly childrenTouch: boolean;
  /** Whether `custom_fields` replaces all fields instead of the given ones; not documented. */
  readonly fieldsReplace: boolean;
  /** Whether open tasks keep a ticket from being closed. */
  readonly tasksBlockClosing: boolean;
}

export interface BossCore {
  readonly state: BossState;
  readonly clock: DeskClock;
  readonly behaviour: BossBehaviour;
}

/** A database time: never whole milliseconds, so a shown time compared with `eq` or `gt` goes wrong. */
export function micros(core: BossCore): number {
  return core.clock.now() * 1000 + 637;
}

/** Writes values; a real change raises `lock_version` and moves `updated_at` to `at`. */
export function editTicket(
  core: BossCore,
  ticket: BossTicket,
  edit: Partial<BossTicket>,
  at = micros(core),
): boolean {
  const changed = Object.entries(edit).filter(
    ([name, value]) => JSON.stringify(ticket[name as keyof BossTicket]) !== JSON.stringify(value),
  );
  if (changed.length === 0) return false;
  Object.assign(ticket, Object.fromEntries(changed));
  bump(ticket, at);
  return true;
}

export function bump(ticket: BossTicket, at: number): void {
  ticket.updatedAt = at;
  ticket.lockVersion += 1;
}

/** After a comment, task or time entry: Rails' `touch`, when the desk is set so. */
export function touch(core: BossCore, ticket: BossTicket): void {
  if (core.behaviour.childrenTouch) ticket.updatedAt = micros(core);
}

type NewTicket = Pick<BossTicket, 'title' | 'typeId' | 'priorityId'> & Partial<BossTicket>;

export function newTicket(state: BossState, at: number, values: NewTicket): BossTicket {
  const friendlyId = state.nextFriendlyId++;
  // Numbers are sequential with holes.
  if (state.nextFriendlyId % 7 === 0) state.nextFriendlyId++;
  const ticket: BossTicket = {
    description: '',
    source: 'web_portal',
    categoryId: null,
    extendedStatusId: null,
    requesterId: null,
    teamId: null,
    agentId: null,
    tagIds: [],
    customFields: new Map(),
    createdAt: at,
    updatedAt: at,
    dueAt: null,
    closedAt: null,
    lockVersion: 0,
    comments: [],
    tasks: [],
    timeEntries: [],
    approvals: [],
    ...values,
    id: state.nextId++,
    friendlyId,
  };
  state.tickets.set(friendlyId, ticket);
  return ticket;
}

/** `status` follows from agent and closing; nobody can write it. */
export function statusOf(ticket: BossTicket): 'incoming' | 'assigned' | 'closed' {
  if (ticket.closedAt !== null) return 'closed';
  return ticket.agentId === null ? 'incoming' : 'assigned';
}

export function addComment(
  core: BossCore,
  ticket: BossTicket,
  comment: { body: string; isPublic: boolean; createdById: number; source: string },
): number {
  const id = core.state.nextId++;
  ticket.comments.push({ ...comment, id, createdAt: micros(core) });
  touch(core, ticket);
  return id;
}
