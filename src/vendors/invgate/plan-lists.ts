import type { DeskAction, PlannedWrite } from '../vendor.ts';
import { readApprovals, WAITING } from './feed-approvals.ts';
import { BareId, Voter, type Approval } from './schema.ts';
import { stateWrite, type OpenTicket, type Planner } from './write.ts';

/** Actions on what hangs on a request: observers, linked requests, approvals. Each is read first. */

/** Tags are the same shape, and not in InvGate. */
type Watch = Extract<DeskAction, { action: 'tag' | 'watch' }>;
type Action<Name extends DeskAction['action']> = Extract<DeskAction, { action: Name }>;

/** Observers, one call per person. No call takes one away (manual, `incident.observer`). */
export async function planWatch(
  action: Watch,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  const { client, lookups } = planner.reader;
  if (action.remove.length > 0) throw client.refused('watch remove: InvGate has no call to remove observers');
  const query = { request_id: ticket.id };
  const { rows } = await client.rows('GET incident.observer', query, BareId, planner.context);
  for (const name of action.add) {
    const { id } = await lookups.people.find(name, planner.context);
    const part = `watch.${id}`;
    if (rows.includes(id) || planner.done.has(part)) continue;
    const form = { request_id: ticket.id, author_id: await planner.author(), user_id: id };
    return stateWrite(part, 'state', 'POST incident.observer', form);
  }
  return null;
}

/** @param action `to` is an id, with or without `#` */
export async function planLink(
  action: Action<'link'>,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  const { client } = planner.reader;
  const to = action.to.trim().replace(/^#/, '');
  if (!/^\d+$/.test(to)) throw client.refused(`link to "${action.to.slice(0, 50)}": expected a ticket id`);
  if (to === ticket.id) throw client.refused('link: a ticket cannot be linked with itself');
  if (planner.done.has('link')) return null;
  const query = { request_id: ticket.id };
  const { rows } = await client.rows('GET incident.link', query, BareId, planner.context);
  if (rows.includes(to)) return null;
  const form = { request_id: ticket.id, 'request_ids[]': [to] };
  return stateWrite('link', 'state', 'POST incident.link', form);
}

/** Deskhand votes as itself: the author must be one of the voters. It never votes in another person's name. */
export async function planApprove(
  action: Action<'approve'>,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  if (planner.done.has('vote')) return null;
  const approval = await pickApproval(action, ticket, planner);
  if (approval === null) return null;
  const author = await planner.author();
  await checkVoter(approval, author, planner);
  const call = action.vote === 'accept' ? 'PUT incident.approval.accept' : 'PUT incident.approval.reject';
  const note = action.text === undefined || action.text === '' ? {} : { note: action.text };
  const form = { approval_id: approval.id, user_id: author, ...note };
  return stateWrite('vote', 'transition', call, form);
}

/** The approval that the rule names, else the only pending one. Null: it is decided as wanted. */
async function pickApproval(
  action: Action<'approve'>,
  ticket: OpenTicket,
  planner: Planner,
): Promise<Approval | null> {
  const { client } = planner.reader;
  const all = await readApprovals(planner.reader, ticket.id, planner.context);
  const wanted = action.approval?.trim().replace(/^#/, '');
  const found = all.filter((one) => (wanted === undefined ? one.status === WAITING : one.id === wanted));
  const [only] = found;
  if (only === undefined) {
    const ids = all.map((one) => one.id).join(', ') || 'none';
    throw client.refused(
      `approve: no ${wanted === undefined ? 'pending approval' : `approval ${wanted}`}; there is: ${ids}`,
    );
  }
  if (found.length > 1) {
    const ids = found.map((one) => one.id).join(', ');
    throw client.refused(`approve: several approvals are pending; name one of ${ids}`);
  }
  if (only.status === WAITING) return only;
  // Manual, `incident.approval`: 0 rejected, 1 approved.
  if (only.status === (action.vote === 'accept' ? 1 : 0)) return null;
  throw client.refused(`approve: approval ${only.id} is decided otherwise`);
}

async function checkVoter(approval: Approval, author: string, planner: Planner): Promise<void> {
  const { client } = planner.reader;
  const call = 'GET incident.approval.possible_voters';
  if (client.lacks(call)) return;
  const query = { approval_id: approval.id, only_pending: 1 };
  const { rows } = await client.rows(call, query, Voter, planner.context);
  const voters = rows.map((row) => row.user_id ?? row.id);
  if (voters.includes(author)) return;
  throw client.refused(
    `approve: our user is no voter of approval ${approval.id}, and nobody votes in another person's name`,
  );
}
