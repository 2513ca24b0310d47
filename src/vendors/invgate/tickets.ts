import { VendorError } from '../../errors.ts';
import { needsAny } from '../needs.ts';
import type { CallContext, Needs, TicketRead, TicketRow } from '../vendor.ts';
import { readIncidents, type Found } from './incidents.ts';
import type { Known } from './known.ts';
import { mapComments } from './map-comments.ts';
import { mapIncident, STATUS } from './map.ts';
import type { Reader } from './reader.ts';
import { DeskComment, Incident } from './schema.ts';

/**
 * Reads of requests with their comments. A request that the desk does not find is gone (deleted, merged, or out of
 * sight), which is a value.
 */

/** Reads one request by id, and its comments where they are needed. */
export async function readTicket(
  reader: Reader,
  ticketId: string,
  needs: Needs,
  context: CallContext,
): Promise<TicketRead> {
  const query = { id: ticketId, date_format: 'epoch' };
  const found = await reader.client.find('GET incident', query, Incident, context);
  if (found === null) return { gone: true, id: ticketId };
  const comments = needsAny(needs, 'comments', 'comment')
    ? await readComments(reader, ticketId, context)
    : null;
  const row = { ...found.value, id: ticketId, comments };
  const known = await reader.lookups.prepare([row], context);
  return toRead({ row, raw: found.raw }, known, reader);
}

/**
 * Completes changed requests with comments and the names of everybody in them; those that the page did not bring whole
 * are read, 50 per call.
 */
export async function readChanged(
  reader: Reader,
  rows: readonly TicketRow[],
  needs: Needs,
  context: CallContext,
): Promise<readonly TicketRead[]> {
  const ids = rows.map((row) => row.observed.id);
  const whole = rows.flatMap((row): [string, Found][] => {
    const one = reader.whole.get(row);
    return one === undefined ? [] : [[row.observed.id, one]];
  });
  const found = new Map<string, Found | null>(whole);
  const missing = ids.filter((id) => !found.has(id));
  for (const [id, one] of await readIncidents(reader.client, missing, context)) found.set(id, one);
  for (const id of ids) {
    // Missing among many is not yet gone: the desk must say so when it is asked for this one.
    const one = found.get(id) ?? (await readSingle(reader, id, context));
    found.set(id, one === null ? null : await withSolutions(reader, one, needs, context));
  }
  const present = [...found.values()].filter((one) => one !== null);
  const known = await reader.lookups.prepare(
    present.map(({ row }) => row),
    context,
  );
  return ids.map((id) => {
    const one = found.get(id) ?? null;
    return one === null ? { gone: true, id } : toRead(one, known, reader);
  });
}

async function readSingle(reader: Reader, id: string, context: CallContext): Promise<Found | null> {
  const query = { id, date_format: 'epoch' };
  const found = await reader.client.find('GET incident', query, Incident, context);
  if (found === null) return null;
  const comments = await readComments(reader, id, context);
  return comments === null ? null : { row: { ...found.value, comments }, raw: found.raw };
}

/**
 * Comments in a bulk answer do not say which of them is the solution (integration reference 2.2): for a request that
 * has one, and whose rules ask or which was just solved, they are read again.
 */
async function withSolutions(
  reader: Reader,
  found: Found,
  needs: Needs,
  context: CallContext,
): Promise<Found> {
  const { row } = found;
  const isUnknown = (row.comments ?? []).some((comment) => comment.is_solution === null);
  if (!isUnknown || (row.status_id !== STATUS.solved && !needs.has('comment.solution'))) return found;
  const comments = await readComments(reader, row.id, context);
  return comments === null ? found : { ...found, row: { ...row, comments } };
}

/** Null when the request went between two calls. */
async function readComments(
  reader: Reader,
  ticketId: string,
  context: CallContext,
): Promise<DeskComment[] | null> {
  try {
    const query = { request_id: ticketId, date_format: 'epoch' };
    return [...(await reader.client.rows('GET incident.comment', query, DeskComment, context)).rows];
  } catch (error) {
    if (error instanceof VendorError && error.reason === 'not_found') return null;
    throw error;
  }
}

function toRead({ row, raw }: Found, known: Known, reader: Reader): TicketRead {
  const { comments } = row;
  return {
    gone: false,
    id: row.id,
    observed: mapIncident(row, raw, known, reader.mapping),
    comments: comments == null ? null : mapComments(comments, row.user_id, known, reader.mapping.toInstant),
  };
}
