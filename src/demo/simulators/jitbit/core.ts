import type { DeskClock } from '../support/server.ts';
import { newTicket } from './seed.ts';
import { jitbitPriorities, type JitbitState, type JitbitTicket, type JitbitUser } from './state.ts';

/** Edits that may leave `LastUpdated` alone: which ones do is not in the document. */
export type JitbitEditName =
  | 'subject'
  | 'body'
  | 'priority'
  | 'statusId'
  | 'categoryId'
  | 'userId'
  | 'assignedToUserId'
  | 'dueDate'
  | 'issueDate'
  | 'resolvedDate'
  | 'timeSpentInSeconds'
  | 'tags'
  | 'customFields'
  | 'subscribers'
  | 'links'
  | 'comments';

/** The triggers of automation rules that the simulator knows (integration reference 3.3). */
export type JitbitTrigger =
  | 'created'
  | 'closed'
  | 'reopened'
  | 'new_reply'
  | 'new_reply_from_submitter'
  | 'category_changed'
  | 'assigned'
  | 'status_changed'
  | 'priority_changed'
  | 'custom_field_edited'
  | 'due_date_changed';

export interface JitbitBehaviour {
  readonly origin: string;
  readonly timeZone: string;
  readonly silentEdits: readonly JitbitEditName[];
  readonly logChanges: boolean;
  readonly commentBodies: 'as_sent' | 'crlf' | 'html';
  readonly replyOpens: boolean;
}

/** The desk's data with what every change of it needs. */
export interface JitbitCore {
  readonly state: JitbitState;
  readonly clock: DeskClock;
  readonly behaviour: JitbitBehaviour;
  /** Tells automation rules; set by the webhook part. */
  fire: (trigger: JitbitTrigger, ticketId: number, source: JitbitSource) => void;
}

export type JitbitSource = 'api' | 'human';

/** Who changes something, and whether over the API or in the browser. */
export interface JitbitActor {
  readonly userId: number;
  readonly source: JitbitSource;
}

/** New values; what is absent stays. */
export type JitbitEdit = Partial<
  Pick<
    JitbitTicket,
    | 'subject'
    | 'body'
    | 'priority'
    | 'statusId'
    | 'categoryId'
    | 'userId'
    | 'assignedToUserId'
    | 'dueDate'
    | 'issueDate'
    | 'resolvedDate'
    | 'timeSpentInSeconds'
    | 'tags'
  >
> & { readonly customFields?: ReadonlyMap<number, string> };

const closed = 3;
const inProcess = 2;

const triggersOf: Partial<Record<JitbitEditName, JitbitTrigger>> = {
  categoryId: 'category_changed',
  assignedToUserId: 'assigned',
  statusId: 'status_changed',
  priority: 'priority_changed',
  customFields: 'custom_field_edited',
  dueDate: 'due_date_changed',
};

/** Creates a ticket as `actor` and fires `created`. */
export function createTicket(
  core: JitbitCore,
  values: JitbitEdit & { origin: number },
  actor: JitbitActor,
): JitbitTicket {
  const { customFields, ...plain } = values;
  const id = core.state.nextTicketId++;
  const ticket = { ...newTicket(id, core.clock.now()), userId: actor.userId, ...plain };
  for (const [fieldId, value] of customFields ?? []) ticket.customFields.set(fieldId, value);
  ticket.lastUpdatedByUserId = actor.userId;
  ticket.updatedByUser = true;
  core.state.tickets.set(id, ticket);
  core.fire('created', id, actor.source);
  return ticket;
}

/** Changes a ticket; values that are already so change nothing, bump nothing and fire nothing. */
export function editTicket(
  core: JitbitCore,
  ticket: JitbitTicket,
  edit: JitbitEdit,
  actor: JitbitActor,
): void {
  const was = { ...ticket };
  const changed = assignChanges(ticket, edit);
  if (changed.length === 0) return;
  if (changed.includes('statusId') && edit.resolvedDate === undefined) {
    ticket.resolvedDate = ticket.statusId === closed ? core.clock.now() : null;
  }
  if (core.behaviour.logChanges) logChanges(core, was, ticket, changed, actor);
  for (const name of changed) touch(core, ticket, name, actor);
  for (const name of changed) {
    const trigger = triggersOf[name];
    if (trigger !== undefined) core.fire(trigger, ticket.id, actor.source);
  }
  if (!changed.includes('statusId')) return;
  if (ticket.statusId === closed) core.fire('closed', ticket.id, actor.source);
  else if (was.statusId === closed) core.fire('reopened', ticket.id, actor.source);
}

function assignChanges(ticket: JitbitTicket, edit: JitbitEdit): JitbitEditName[] {
  const { customFields, ...plain } = edit;
  const changed: JitbitEditName[] = [];
  for (const [key, value] of Object.entries(plain)) {
    const name = key as keyof typeof plain;
    if (value === undefined || JSON.stringify(ticket[name]) === JSON.stringify(value)) continue;
    Object.assign(ticket, { [name]: value });
    changed.push(name);
  }
  for (const [fieldId, value] of customFields ?? []) {
    if ((ticket.customFields.get(fieldId) ?? '') === value) continue;
    if (value === '') ticket.customFields.delete(fieldId);
    else ticket.customFields.set(fieldId, value);
    if (!changed.includes('customFields')) changed.push('customFields');
  }
  return changed;
}

/** Moves `LastUpdated` for this kind of edit, unless the desk is configured not to. */
export function touch(
  core: JitbitCore,
  ticket: JitbitTicket,
  name: JitbitEditName,
  actor: JitbitActor,
): void {
  if (core.behaviour.silentEdits.includes(name)) return;
  ticket.lastUpdated = core.clock.now();
  ticket.lastUpdatedByUserId = actor.userId;
}

/** Writes a comment; equal text twice is two comments. */
export function addComment(
  core: JitbitCore,
  ticket: JitbitTicket,
  comment: { body: string; forTechsOnly?: boolean; isSystem?: boolean; recipientIds?: readonly number[] },
  actor: JitbitActor,
): number {
  const { forTechsOnly = false, isSystem = false, recipientIds = [] } = comment;
  const id = writeComment(
    core,
    ticket.id,
    comment.body,
    { forTechsOnly, isSystem, recipientIds },
    actor.userId,
  );
  touch(core, ticket, 'comments', actor);
  if (isSystem) return id;
  const bySubmitter = actor.userId === ticket.userId;
  const opens = core.behaviour.replyOpens && !forTechsOnly && opensOnReply(ticket.statusId, bySubmitter);
  if (!forTechsOnly) {
    ticket.updatedByPerformer = !bySubmitter;
    ticket.updatedByUser = bySubmitter;
    ticket.updatedForTechView = bySubmitter;
  }
  core.fire('new_reply', ticket.id, actor.source);
  if (bySubmitter) core.fire('new_reply_from_submitter', ticket.id, actor.source);
  if (opens) editTicket(core, ticket, { statusId: inProcess }, actor);
  return id;
}

function opensOnReply(statusId: number, bySubmitter: boolean): boolean {
  return bySubmitter ? statusId === closed : statusId === 1;
}

function writeComment(
  core: JitbitCore,
  ticketId: number,
  body: string,
  kind: { forTechsOnly: boolean; isSystem: boolean; recipientIds: readonly number[] },
  userId: number,
): number {
  const id = core.state.nextCommentId++;
  const stored = rewritten(body, core.behaviour.commentBodies);
  core.state.comments.push({ id, ticketId, userId, body: stored, date: core.clock.now(), ...kind });
  return id;
}

/** What the server makes of a text: the document's sample ends its lines with `\r\n`; HTML ones start with a mark. */
function rewritten(body: string, how: JitbitBehaviour['commentBodies']): string {
  if (how === 'as_sent') return body;
  const lines = body.split(/\r?\n/);
  if (how === 'crlf') return lines.join('\r\n');
  const escaped = lines.map((line) =>
    line.replace(/&/g, '&amp;').replace(/</g, '&lt;').replace(/>/g, '&gt;'),
  );
  const linked = escaped.map((line) =>
    line.replace(/https?:\/\/[^\s<]+/g, (url) => `<a href="${url}">${url}</a>`),
  );
  return `<!--html--><p>${linked.join('<br />')}</p>`;
}

/** Jitbit's own log lines, shown grey: comments with `IsSystem`. */
function logChanges(
  core: JitbitCore,
  was: JitbitTicket,
  ticket: JitbitTicket,
  changed: readonly JitbitEditName[],
  actor: JitbitActor,
): void {
  for (const name of changed) {
    const line = changeLine(core, was, ticket, name);
    const kind = { forTechsOnly: true, isSystem: true, recipientIds: [] };
    writeComment(core, ticket.id, line, kind, actor.userId);
  }
}

function changeLine(core: JitbitCore, was: JitbitTicket, ticket: JitbitTicket, name: JitbitEditName): string {
  const { statuses, categories, users } = core.state;
  const from = (values: ReadonlyMap<number, string>, old: number, now: number): string =>
    `from "${values.get(old)}" to "${values.get(now)}"`;
  switch (name) {
    case 'statusId':
      return `Status changed ${from(statuses, was.statusId, ticket.statusId)}`;
    case 'priority':
      return `Priority changed ${from(jitbitPriorities, was.priority, ticket.priority)}`;
    case 'categoryId':
      return `Category changed to "${categories.get(ticket.categoryId)?.name}"`;
    case 'assignedToUserId':
      return ticket.assignedToUserId === null
        ? 'Ticket unassigned'
        : `Ticket assigned to ${fullName(users.get(ticket.assignedToUserId))}`;
    default:
      return `${name} changed`;
  }
}

export function fullName(user: JitbitUser | undefined): string {
  return user === undefined ? '' : `${user.firstName} ${user.lastName}`.trim();
}

/** "Merge two tickets together. This action is irreversible": the second one is gone, its comments move. */
export function mergeTickets(
  core: JitbitCore,
  primary: JitbitTicket,
  merged: JitbitTicket,
  actor: JitbitActor,
): void {
  for (const comment of core.state.comments)
    if (comment.ticketId === merged.id) comment.ticketId = primary.id;
  writeComment(
    core,
    primary.id,
    merged.body,
    { forTechsOnly: false, isSystem: false, recipientIds: [] },
    merged.userId,
  );
  deleteTicket(core, merged.id);
  touch(core, primary, 'comments', actor);
}

export function deleteTicket(core: JitbitCore, id: number): void {
  core.state.tickets.delete(id);
  for (const other of core.state.tickets.values()) {
    other.linkedIds.delete(id);
    if (other.parentId === id) other.parentId = null;
  }
}
