import type { Person, PersonKind } from '../../ticket.ts';
import type { Known } from './known.ts';
import type { DeskUser, TicketListRow } from './schema.ts';

/** People as list rows, details and lookups write them. Pure. */

export function fullName(first: string | null, last: string | null): string | null {
  const name = `${first ?? ''} ${last ?? ''}`.trim();
  return name === '' ? null : name;
}

export function requesterOf(row: TicketListRow): Person | null {
  if (row.UserID === null) return null;
  const name = fullName(row.FirstName, row.LastName) ?? row.UserName;
  return { id: row.UserID, name, email: row.Email === '' ? null : row.Email, kind: 'requester' };
}

export function assigneeOf(row: TicketListRow, known: Known): Person | null {
  const id = row.AssignedToUserID;
  if (id === null) return null;
  const agent = known.agents?.get(id);
  const name = fullName(row.TechFirstName, row.TechLastName) ?? agent?.name ?? row.Technician;
  return { id, name, email: agent?.email ?? emailIn(row.Technician), kind: 'agent' };
}

export function lastUpdatedBy(
  row: TicketListRow,
  requester: Person | null,
  assignee: Person | null,
  known: Known,
): Person | null {
  const id = row.LastUpdatedByUserID;
  if (id === null) return null;
  if (id === requester?.id) return requester;
  if (id === assignee?.id) return assignee;
  const name = row.LastUpdatedUsername === '' ? null : row.LastUpdatedUsername;
  return known.agents?.get(id) ?? { id, name, email: emailIn(name), kind: kindOf(id, known, false) };
}

/** User names often are e-mail addresses. */
function emailIn(username: string | null): string | null {
  return username?.includes('@') === true ? username : null;
}

/** A user who is no technician is on the customer's side; where the technicians are not known, nobody can say. */
export function kindOf(id: string, known: Known, techOnly: boolean): PersonKind {
  if (techOnly || known.agents?.has(id) === true) return 'agent';
  return known.agents === null ? 'unknown' : 'requester';
}

/** A user object as a person; `directory` completes what the object leaves out. */
export function toPerson(
  id: string,
  user: DeskUser | null,
  kind: PersonKind,
  directory: ReadonlyMap<string, Person> | null,
): Person {
  const listed = directory?.get(id);
  const username = user?.Username ?? user?.UserName ?? null;
  const name = fullName(user?.FirstName ?? null, user?.LastName ?? null) ?? user?.FullName ?? username;
  const email = user?.Email ?? listed?.email ?? emailIn(username);
  return { id, name: name ?? listed?.name ?? null, email: email === '' ? null : email, kind };
}
