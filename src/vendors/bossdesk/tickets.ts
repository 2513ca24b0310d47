import { VendorError } from '../../errors.ts';
import { needsAny } from '../needs.ts';
import type { CallContext, Needs, TicketRead, TicketRow, VendorIo } from '../vendor.ts';
import type { BossdeskClient } from './client.ts';
import type { BossdeskLookups } from './lookups.ts';
import {
  detailVersion,
  isDetail,
  mapComments,
  mapDetail,
  NOTHING_KNOWN,
  type Known,
  type Mapping,
} from './map.ts';
import type { BossdeskPeople } from './people.ts';
import { TicketDetail } from './schema.ts';

/** Single tickets: one call gives everything, comments, tasks, time entries and approvals too. */

export interface BossdeskReader {
  readonly client: BossdeskClient;
  readonly lookups: BossdeskLookups;
  readonly people: BossdeskPeople;
  readonly mapping: Mapping;
  readonly io: VendorIo;
}

/** A whole ticket as a row of a feed, and as the desk told it. */
export interface DetailRow {
  readonly row: TicketRow;
  readonly detail: TicketDetail;
}

/** Reads a whole ticket; null: the desk does not find it (deleted, or out of sight). */
export async function readDetail(
  reader: BossdeskReader,
  ticketId: string,
  needs: Needs,
  context: CallContext,
): Promise<DetailRow | null> {
  const found = await reader.client.find(`tickets/${encodeURIComponent(ticketId)}`, TicketDetail, context);
  if (found === null) return null;
  const { value: detail, raw } = found;
  const known = await knownFor(reader, detail, needs, context);
  const observed = mapDetail(detail, raw, known, reader.mapping);
  return { detail, row: { observed: { ...observed, id: ticketId }, version: detailVersion(detail, raw) } };
}

/** Loads what the mapping wants to know: names of custom fields, and e-mail addresses where rules read them. */
async function knownFor(
  reader: BossdeskReader,
  detail: TicketDetail,
  needs: Needs,
  context: CallContext,
): Promise<Known> {
  const hasFields = Object.keys(detail.custom_fields ?? {}).length > 0;
  const fields = hasFields ? await reader.lookups.fields(context) : NOTHING_KNOWN.fields;
  const { agent } = detail;
  if (agent === null || !needsAny(needs, 'assignee.email')) return { fields, emails: NOTHING_KNOWN.emails };
  const email = await emailOf(reader, agent, context);
  return { fields, emails: new Map(email === null ? [] : [[agent.id, email]]) };
}

/** Reading users is a permission of its own (manual, 403: "no user list permission"); without it there is no address. */
async function emailOf(
  reader: BossdeskReader,
  agent: NonNullable<TicketDetail['agent']>,
  context: CallContext,
): Promise<string | null> {
  try {
    return await reader.people.emailOf(agent, context);
  } catch (error) {
    if (!(error instanceof VendorError) || error.status !== 403) throw error;
    reader.io.warn('the users of this desk cannot be read: no e-mail addresses of agents', { error });
    return null;
  }
}

/** Reads one ticket by id; comments come along and are given where they are needed. */
export async function readTicket(
  reader: BossdeskReader,
  ticketId: string,
  needs: Needs,
  context: CallContext,
): Promise<TicketRead> {
  const read = await readDetail(reader, ticketId, needs, context);
  if (read === null) return { gone: true, id: ticketId };
  const { observed } = read.row;
  const comments = needsAny(needs, 'comment', 'comments') ? commentsIn(reader, read.detail) : null;
  return { gone: false, id: ticketId, observed, comments };
}

/** Completes changed rows. A row that was read as a whole ticket costs no further call. */
export async function readChanged(
  reader: BossdeskReader,
  rows: readonly TicketRow[],
  needs: Needs,
  context: CallContext,
): Promise<readonly TicketRead[]> {
  const wanted = new Set([...needs, 'comments']);
  const reads: TicketRead[] = [];
  for (const { observed } of rows) {
    const whole = isDetail(observed.raw) ? TicketDetail.safeParse(observed.raw) : null;
    reads.push(
      whole?.success === true
        ? { gone: false, id: observed.id, observed, comments: commentsIn(reader, whole.data) }
        : await readTicket(reader, observed.id, wanted, context),
    );
  }
  return reads;
}

function commentsIn(reader: BossdeskReader, detail: TicketDetail): ReturnType<typeof mapComments> {
  return mapComments(detail.comments ?? [], detail.requester?.id ?? null, reader.mapping.toInstant);
}
