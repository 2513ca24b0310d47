import { z } from 'zod';
import { VendorError } from '../../errors.ts';
import { normaliseText } from '../http/text.ts';
import type { CallContext, Child, Json, PlannedWrite, SendResult } from '../vendor.ts';
import { isObject } from './envelope.ts';
import { readList, type ListPage } from './list.ts';
import { byTimeThenId, notesOf, PREFIX } from './map.ts';
import { CHILDREN_COMMENTS, CHILDREN_TICKETS, CHILDREN_TIME, timeText } from './plan-append.ts';
import { TimeEntry } from './schema.ts';
import { OneIncident, type GotoassistReader } from './tickets.ts';
import { WriteRequest } from './write.ts';

/** Performing a planned write, and finding what one may have made. */

/** Incidents with the same title that are read for their text, newest first: calls are scarce. */
const MAX_CANDIDATES = 3;
/** A written time that comes back further off than this was read in another zone. */
const SAME_TIME_MS = 90_000;

export async function send(
  reader: GotoassistReader,
  write: PlannedWrite,
  context: CallContext,
): Promise<SendResult> {
  const request = WriteRequest.parse(write.request);
  const answer = await attempt(reader, request, context);
  if (request.method === 'PUT') await checkEcho(reader, request, answer, context);
  return { childId: write.kind === 'append' ? childIdIn(answer, request) : null };
}

async function attempt(
  reader: GotoassistReader,
  request: WriteRequest,
  context: CallContext,
): Promise<unknown> {
  const { method, path, query } = request;
  try {
    return await reader.client.write(method, path, request.body, context, query);
  } catch (error) {
    const also = path === 'incidents' && error instanceof VendorError && error.reason === 'refused';
    const body = also ? withOccurredAt(request.body) : null;
    if (body === null) throw error;
    // The guide's table lists the misspelt `occured_at` as mandatory too; its example does without.
    return await reader.client.write(method, path, body, context, query);
  }
}

function withOccurredAt(body: Json): Json | null {
  const incident = isObject(body) ? body['incident'] : null;
  if (!isObject(incident) || 'occured_at' in incident) return null;
  return { incident: { ...incident, occured_at: incident['opened_at'] } } as Json;
}

/** A PUT answers the incident: what it does not show was not taken, whatever `status` says. */
async function checkEcho(
  reader: GotoassistReader,
  request: WriteRequest,
  answer: unknown,
  context: CallContext,
): Promise<void> {
  const shown = isObject(answer) && isObject(answer['incident']) ? answer['incident'] : answer;
  if (!isObject(shown)) return;
  for (const [path, wanted] of Object.entries(request.expect ?? {})) {
    const got = idAt(shown, path);
    if (got === undefined || got === wanted) continue;
    throw reader.client.refused(`the desk took the call but not ${path.replace('.id', '')}`);
  }
  if (request.dueAt !== undefined && 'due_date' in shown) checkDue(reader, request.dueAt, shown['due_date']);
  const sent = isObject(request.body) && isObject(request.body['incident']) ? request.body['incident'] : {};
  if (sent['closed_at'] === null && isTime(shown['closed_at']))
    await reopenWithTexts(reader, request, context);
  for (const field of ['closed_at', 'resolved_at']) warnAboutZone(reader, field, sent[field], shown[field]);
}

function checkDue(reader: GotoassistReader, wanted: string | null, shown: unknown): void {
  const got = reader.mapping.toInstant(shown);
  if (got === wanted) return;
  const off = got === null || wanted === null ? Infinity : Math.abs(Date.parse(got) - Date.parse(wanted));
  if (off < SAME_TIME_MS) return;
  throw reader.client.refused(
    `the desk took the call but not the due date: it shows ${got ?? 'none'} (if the hours are off, set write_time_zone)`,
  );
}

/** Undefined: the answer does not show it at all. */
function idAt(shown: Readonly<Record<string, unknown>>, path: string): string | null | undefined {
  const [name = ''] = path.split('.');
  if (!(name in shown)) return undefined;
  const value = shown[name];
  const id = isObject(value) ? value['id'] : null;
  return typeof id === 'number' || typeof id === 'string' ? String(id) : null;
}

function isTime(value: unknown): boolean {
  return typeof value === 'string' && value !== '';
}

/** A client reopens with empty texts (integration reference 5.3); setting the same again changes nothing. */
async function reopenWithTexts(
  reader: GotoassistReader,
  request: WriteRequest,
  context: CallContext,
): Promise<void> {
  const body = { incident: { closed_at: '', closure_code: '' } };
  const answer = await reader.client.write('PUT', request.path, body, context);
  const shown = isObject(answer) && isObject(answer['incident']) ? answer['incident'] : answer;
  if (isObject(shown) && isTime(shown['closed_at'])) {
    throw reader.client.refused(
      'the desk did not reopen the incident, neither with nulls nor with empty texts',
    );
  }
}

function warnAboutZone(reader: GotoassistReader, field: string, sent: unknown, shown: unknown): void {
  const got = reader.mapping.toInstant(shown);
  if (!isTime(sent) || got === null) return;
  if (Math.abs(Date.parse(got) - reader.io.clock.now()) < SAME_TIME_MS) return;
  reader.io.warn(`${field} came back as another instant: check write_time_zone`, { got });
}

function childIdIn(answer: unknown, request: WriteRequest): string | null {
  const inner = isObject(answer) && !('id' in answer) ? Object.values(answer)[0] : answer;
  if (!isObject(inner)) return null;
  const id = request.path === 'incidents' ? inner['reference_num'] : inner['id'];
  if (typeof id !== 'number' && typeof id !== 'string') return null;
  return `${request.noteKind === undefined ? '' : PREFIX[request.noteKind]}${id}`;
}

export async function listChildren(
  reader: GotoassistReader,
  write: PlannedWrite,
  context: CallContext,
): Promise<readonly Child[] | null> {
  const children = write.append?.children ?? '';
  const request = WriteRequest.parse(write.request);
  const [, ticketId = ''] = children.split(':');
  if (children.startsWith(CHILDREN_COMMENTS)) return listNotes(reader, ticketId, context);
  if (children.startsWith(CHILDREN_TIME)) return listTime(reader, ticketId, request, context);
  return children === CHILDREN_TICKETS ? listCreated(reader, request, context) : null;
}

async function listNotes(
  reader: GotoassistReader,
  ticketId: string,
  context: CallContext,
): Promise<readonly Child[] | null> {
  const found = await reader.client.find(`incidents/${ticketId}`, OneIncident, context);
  if (found === null) return null;
  const children = notesOf(found.value).map(({ id, note }): Child => {
    const at = reader.mapping.toInstant(note.created_at);
    return { id, authorId: note.user?.id ?? null, at, text: note.note ?? '' };
  });
  return children.toSorted(byTimeThenId);
}

/** Guide, "Show Time Entries": the last month of one user. */
async function listTime(
  reader: GotoassistReader,
  ticketId: string,
  request: WriteRequest,
  context: CallContext,
): Promise<readonly Child[]> {
  const Entries = z.object({ time_entries: z.array(TimeEntry) });
  const { time_entries: entries } = (
    await reader.client.get('time_entries', request.query ?? {}, Entries, context)
  ).value;
  const children = entries
    .filter((entry) => entry.custom === null || entry.custom === `B#${ticketId}`)
    .map((entry): Child => {
      const at = reader.mapping.toInstant(entry.created_at);
      return {
        id: entry.id,
        authorId: entry.user?.id ?? null,
        at,
        text: timeText(entry.hours ?? 0, entry.description ?? ''),
      };
    });
  return children.toSorted(byTimeThenId);
}

const CreateBody = z.object({ incident: z.object({ title: z.string() }) });

/**
 * Incidents of that title, newest last, with their text: from both ends of the list by creation, because nobody says
 * which is the newer one. Who made an incident is not told.
 */
async function listCreated(
  reader: GotoassistReader,
  request: WriteRequest,
  context: CallContext,
): Promise<readonly Child[]> {
  const { incident } = CreateBody.parse(request.body);
  const first = await readList(reader, 1, context, 'created_at');
  const pages: ListPage[] = [first];
  if (first.pages > 1) pages.push(await readList(reader, first.pages, context, 'created_at'));
  const title = normaliseText(incident.title);
  const refs = pages
    .flatMap(({ rows }) => rows)
    .filter(({ row }) => normaliseText(row.title ?? '') === title)
    .map(({ row }) => row.reference_num);
  const newest = [...new Set(refs)].toSorted((a, b) => Number(a) - Number(b)).slice(-MAX_CANDIDATES);
  const children: Child[] = [];
  for (const ref of newest) {
    const found = await reader.client.find(`incidents/${ref}`, OneIncident, context);
    if (found === null) continue;
    const at = reader.mapping.toInstant(found.value.created_at);
    children.push({ id: ref, authorId: null, at, text: found.value.symptoms?.[0]?.note ?? '' });
  }
  return children;
}
