import type { JitbitCore } from './core.ts';
import type { JitbitTicket, JitbitUser } from './state.ts';

/** A technician's powers hold in the categories he is a technician of; an administrator's everywhere. */
export function isTechIn(core: JitbitCore, user: JitbitUser, categoryId: number): boolean {
  return user.isAdmin || core.state.categories.get(categoryId)?.techIds.includes(user.id) === true;
}

/** "Gets a list of tickets the current user has permissions to see." */
export function canSee(core: JitbitCore, user: JitbitUser, ticket: JitbitTicket): boolean {
  if (isTechIn(core, user, ticket.categoryId)) return true;
  return ticket.userId === user.id || ticket.subscriberIds.has(user.id);
}

/** "The method allows editing your own tickets only (unless you're helpdesk administrator or technician)." */
export function canEdit(core: JitbitCore, user: JitbitUser, ticket: JitbitTicket): boolean {
  return isTechIn(core, user, ticket.categoryId) || ticket.userId === user.id;
}
