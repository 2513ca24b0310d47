import type { DateParser } from '../http/dates.ts';
import type { Json, Occurrence } from '../vendor.ts';
import type { TicketDetail } from './schema.ts';

/**
 * Tasks and approvals of a ticket as occurrences; each has a key of its own, so the same one may be told again. What
 * happened before `since` (epoch ms) is history.
 */
export function occurrencesOf(
  ticket: TicketDetail,
  since: number,
  toInstant: DateParser,
): readonly Occurrence[] {
  const occur = (key: string, type: string, at: string | null, body: Json): readonly Occurrence[] =>
    at === null || Date.parse(at) < since
      ? []
      : [{ key, type, ticketId: ticket.friendly_id, occurredAt: at, trigger: null, body }];
  // The manual's own example of a task has an impossible time; then the ticket's must do.
  const createdAt = toInstant(ticket.created_at);
  const updatedAt = toInstant(ticket.updated_at);

  const tasks = (ticket.tasks ?? []).flatMap((task) => {
    const body: Json = {
      task: {
        id: task.id,
        title: task.title,
        note: task.note,
        team: task.team?.name ?? null,
        agent: task.agent?.username ?? null,
        due_at: toInstant(task.due_at),
      },
    };
    const added = occur(`task:${task.id}`, 'task.added', toInstant(task.created_at) ?? createdAt, body);
    if (task.closed_at === null || task.closed_at === '') return added;
    const key = `task:${task.id}:closed:${String(task.closed_at)}`;
    return [...added, ...occur(key, 'task.closed', toInstant(task.closed_at) ?? updatedAt, body)];
  });

  const approvals = (ticket.approval_requests ?? []).flatMap((approval) => {
    const body: Json = {
      approval: {
        id: approval.id,
        status: approval.status,
        comment: approval.comment,
        user: approval.user?.username ?? null,
      },
    };
    const askedAt = toInstant(approval.created_at) ?? createdAt;
    const asked = occur(`approval:${approval.id}`, 'approval.requested', askedAt, body);
    if (approval.responded_at === null || approval.responded_at === '') return asked;
    const key = `approval:${approval.id}:${approval.status ?? ''}:${String(approval.responded_at)}`;
    const decidedAt = toInstant(approval.responded_at) ?? updatedAt;
    return [...asked, ...occur(key, 'approval.decided', decidedAt, body)];
  });

  return [...tasks, ...approvals];
}
