import { z } from 'zod';
import { needsAny } from '../needs.ts';
import type { CallContext, Needs, TicketRead, TicketRow, VendorIo } from '../vendor.ts';
import type { GotoassistClient } from './client.ts';
import type { GotoassistLookups } from './lookups.ts';
import { contentHash, isWhole, mapComments, mapIncident, type Known, type Mapping } from './map.ts';
import { otherIn, readOther } from './others.ts';
import type { GotoassistPeople } from './people.ts';
import { Incident } from './schema.ts';

/** Single incidents, by reference number: one call gives everything but e-mail addresses. */

export interface GotoassistReader {
  readonly client: GotoassistClient;
  readonly lookups: GotoassistLookups;
  readonly people: GotoassistPeople;
  readonly mapping: Mapping;
  readonly io: VendorIo;
}

/** A lone object in `result` loses its wrapper. */
export const OneIncident = z.union([
  Incident,
  z.object({ incident: Incident }).transform((one) => one.incident),
]);

export interface WholeTicket {
  readonly row: TicketRow;
  readonly incident: Incident;
}

/** Reads a whole incident; null: the desk does not find it. */
export async function readWhole(
  reader: GotoassistReader,
  ticketId: string,
  needs: Needs,
  context: CallContext,
): Promise<WholeTicket | null> {
  const found = await reader.client.find(`incidents/${encodeURIComponent(ticketId)}`, OneIncident, context);
  if (found === null) return null;
  const { value: incident, raw } = found;
  const known = await knownFor(reader, incident, needs, context);
  const observed = { ...mapIncident(incident, raw, known, reader.mapping), id: ticketId };
  const version = `${String(incident.last_active_at ?? '')}#${contentHash(raw)}`;
  return { incident, row: { observed, version } };
}

/** E-mail addresses and the customer's company, where rules read them: one call per person and day. */
async function knownFor(
  reader: GotoassistReader,
  incident: Incident,
  needs: Needs,
  context: CallContext,
): Promise<Known> {
  const { customer, assigned_user: user } = incident;
  const wantsCustomer = customer !== null && needsAny(needs, 'requester.email', 'company');
  const wantsUser = user !== null && user.group_link === null && needsAny(needs, 'assignee.email');
  const email = wantsUser ? await reader.people.emailOf(user.id, context) : null;
  return {
    customer: wantsCustomer ? await reader.people.customerOf(customer.id, context) : null,
    emails: new Map(email === null || user === null ? [] : [[user.id, email]]),
  };
}

/** Reads one incident; its notes come along and are given where they are needed. */
export async function readTicket(
  reader: GotoassistReader,
  ticketId: string,
  needs: Needs,
  context: CallContext,
): Promise<TicketRead> {
  const other = otherIn(ticketId);
  if (other !== null) return readOther(reader, ticketId, other, context);
  const whole = await readWhole(reader, ticketId, needs, context);
  if (whole === null) return { gone: true, id: ticketId };
  const comments = needsAny(needs, 'comment', 'comments')
    ? mapComments(whole.incident, reader.mapping.toInstant)
    : null;
  return { gone: false, id: ticketId, observed: whole.row.observed, comments };
}

/** Completes changed rows. A row that was read as a whole incident costs no further call. */
export async function readChanged(
  reader: GotoassistReader,
  rows: readonly TicketRow[],
  needs: Needs,
  context: CallContext,
): Promise<readonly TicketRead[]> {
  const wanted = new Set([...needs, 'comments']);
  const reads: TicketRead[] = [];
  for (const { observed } of rows) {
    const isIncident = otherIn(observed.id) === null && isWhole(observed.raw);
    const whole = isIncident ? OneIncident.safeParse(observed.raw) : null;
    reads.push(
      whole?.success === true
        ? {
            gone: false,
            id: observed.id,
            observed,
            comments: mapComments(whole.data, reader.mapping.toInstant),
          }
        : await readTicket(reader, observed.id, wanted, context),
    );
  }
  return reads;
}
