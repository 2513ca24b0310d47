import type { Random } from '../support/random.ts';
import { dayIn } from '../support/zone.ts';
import type { JitbitTicket } from './state.ts';
import type { Request } from './endpoint.ts';

/** The row orders a desk may have; the document states none. */
export type RowOrder = 'newest_first' | 'oldest_first' | 'by_id' | 'shuffled';

const day = 24 * 3_600_000;

/** All filters of the document's section "Tickets"; dates are compared as dates in the server's zone. */
export function filtered(request: Request, tickets: readonly JitbitTicket[]): JitbitTicket[] {
  const tests = [...plainFilters(request), ...dateFilters(request), modeFilter(request)];
  return tickets.filter((ticket) => tests.every((test) => test(ticket)));
}

type Test = (ticket: JitbitTicket) => boolean;

function plainFilters({ core, user, params }: Request): Test[] {
  const { categories, users } = core.state;
  const categoryIds = params.ints('categoryId');
  const statusIds = params.ints('statusId');
  const sectionId = params.int('sectionId');
  const fromUserId = params.int('fromUserId');
  const companyId = params.int('fromCompanyId');
  const handledBy = params.int('handledByUserID');
  const tag = params.text('tagName')?.toLowerCase();
  const subscribed = params.bool('subscribedOnly', false);
  return [
    (ticket) => categoryIds.length === 0 || categoryIds.includes(ticket.categoryId),
    (ticket) => statusIds.length === 0 || statusIds.includes(ticket.statusId),
    (ticket) => sectionId === undefined || categories.get(ticket.categoryId)?.sectionId === sectionId,
    (ticket) => fromUserId === undefined || ticket.userId === fromUserId,
    (ticket) => companyId === undefined || users.get(ticket.userId)?.companyId === companyId,
    (ticket) => handledBy === undefined || ticket.assignedToUserId === handledBy,
    (ticket) => tag === undefined || ticket.tags.some((name) => name.toLowerCase() === tag),
    (ticket) => !subscribed || ticket.subscriberIds.has(user.id),
  ];
}

function dateFilters({ core, params }: Request): Test[] {
  const bound = (name: string, side: 'from' | 'until', otherwise: number): number => {
    const date = params.date(name);
    return date === undefined ? otherwise : dayIn(core.behaviour.timeZone, date)[side];
  };
  const issuedFrom = bound('dateFrom', 'from', Number.NEGATIVE_INFINITY);
  const issuedUntil = bound('dateTo', 'until', Number.POSITIVE_INFINITY);
  const updatedFrom = bound('updatedFrom', 'from', Number.NEGATIVE_INFINITY);
  const updatedUntil = bound('updatedTo', 'until', Number.POSITIVE_INFINITY);
  const dueInDays = params.int('dueInDays');
  const lastDue = core.clock.now() + (dueInDays ?? 0) * day;
  return [
    (ticket) => ticket.issueDate >= issuedFrom && ticket.issueDate < issuedUntil,
    (ticket) => ticket.lastUpdated >= updatedFrom && ticket.lastUpdated < updatedUntil,
    (ticket) => dueInDays === undefined || (ticket.dueDate !== null && ticket.dueDate <= lastDue),
  ];
}

function modeFilter({ user, params }: Request): Test {
  switch ((params.text('mode') ?? 'all').toLowerCase()) {
    case 'unanswered':
      return (ticket) => ticket.statusId === 1 || (ticket.statusId !== 3 && ticket.updatedByUser);
    case 'unclosed':
      return (ticket) => ticket.statusId !== 3;
    case 'handledbyme':
      return (ticket) => ticket.assignedToUserId === user.id;
    default:
      return () => true;
  }
}

/** A copy in the desk's order. Equal instants come in the order of ids, as a database with an index gives them. */
export function ordered(tickets: readonly JitbitTicket[], order: RowOrder, random: Random): JitbitTicket[] {
  const byId = [...tickets].sort((one, other) => one.id - other.id);
  if (order === 'by_id') return byId;
  if (order === 'shuffled') return random.shuffle(byId);
  const direction = order === 'newest_first' ? -1 : 1;
  return byId.sort((one, other) => direction * (one.lastUpdated - other.lastUpdated));
}
