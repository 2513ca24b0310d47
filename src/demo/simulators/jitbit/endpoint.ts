import type { Call } from '../support/calls.ts';
import { Refusal, nothing, text, type Reply } from '../support/reply.ts';
import { canEdit, canSee } from './access.ts';
import type { JitbitActor, JitbitCore } from './core.ts';
import type { Params } from './params.ts';
import type { JitbitTicket, JitbitUser } from './state.ts';

/** One request after the gate: who asks, with what. */
export interface Request {
  readonly core: JitbitCore;
  readonly user: JitbitUser;
  readonly actor: JitbitActor;
  readonly params: Params;
  readonly call: Call;
}

export type Endpoint = (request: Request) => Reply;

/** Endpoints by `METHOD name`, the name in lower case; `*` in place of the method takes GET and POST. */
export type Endpoints = Readonly<Record<string, Endpoint>>;

/** "200 OK if there were no errors": nothing else is promised, so there is no body. */
export function ok(): Reply {
  return nothing(200, { 'content-length': '0' });
}

export function refuse(status: number, message: string): never {
  throw new Refusal(text(message, status));
}

/** The ticket a parameter names; 404 when it is gone or the user may not see it. */
export function visibleTicket(request: Request, name = 'id'): JitbitTicket {
  const id = request.params.requiredInt(name);
  const ticket = request.core.state.tickets.get(id);
  if (ticket === undefined || !canSee(request.core, request.user, ticket))
    return refuse(404, `Ticket ${id} not found`);
  return ticket;
}

/** The same for writing: who sees a ticket without being its technician or submitter may not change it. */
export function editableTicket(request: Request, name = 'id'): JitbitTicket {
  const ticket = visibleTicket(request, name);
  if (!canEdit(request.core, request.user, ticket)) refuse(403, 'You can edit your own tickets only');
  return ticket;
}

export function requireTech(request: Request): void {
  if (!request.user.isAdmin && !request.user.isTech)
    refuse(403, 'Requires administrator or technician permissions');
}

export function requireAdmin(request: Request): void {
  if (!request.user.isAdmin) refuse(403, 'Requires helpdesk-administrator permissions');
}
