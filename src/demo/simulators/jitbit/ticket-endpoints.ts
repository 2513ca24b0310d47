import type { Random } from '../support/random.ts';
import { json, type Reply } from '../support/reply.ts';
import { canSee, isTechIn } from './access.ts';
import { createTicket, deleteTicket, editTicket, mergeTickets, touch, type JitbitEdit } from './core.ts';
import {
  editableTicket,
  ok,
  refuse,
  requireTech,
  visibleTicket,
  type Endpoints,
  type Request,
} from './endpoint.ts';
import { filtered, ordered, type RowOrder } from './list.ts';
import { fieldRow, fieldValueRow, type Row } from './lookup-rows.ts';
import { listRow, parentIds, ticketDetail } from './rows.ts';
import type { JitbitField, JitbitTicket } from './state.ts';

/** The document's part "Ticket methods" without links; `order` is the desk's row order at this moment. */
export function ticketEndpoints(order: () => RowOrder, random: Random): Endpoints {
  return {
    'GET tickets': (request) => {
      // "How many tickets to return. Default: 10. Max: 300."
      const count = Math.min(Math.max(request.params.int('count') ?? 10, 0), 300);
      const offset = Math.max(request.params.int('offset') ?? 0, 0);
      const rows = ordered(filtered(request, visible(request)), order(), random);
      return json(rows.slice(offset, offset + count).map(rowsOf(request)));
    },
    'GET search': search,
    'GET ticket': (request) => json(ticketDetail(request.core, visibleTicket(request), request.user)),
    'POST ticket': create,
    'POST updateticket': update,
    '* close': (request) => {
      editTicket(request.core, editableTicket(request), { statusId: 3 }, request.actor);
      return ok();
    },
    'POST tagticket': tag,
    '* mergetickets': merge,
    '* ticketcustomfields': fieldValues,
    'POST setcustomfield': (request) =>
      setFields(request, [[request.params.requiredInt('fieldId'), request.params.requiredText('value')]]),
    'POST setcustomfields': (request) => setFields(request, cfPairs(request)),
    'GET customfields': (request) => {
      const rows = [...request.core.state.fields.values()].map(fieldRow);
      return json((request.params.int('type') ?? 1) === 1 ? rows : []);
    },
    '* customfieldsforcategory': (request) => {
      const categoryId = request.params.requiredInt('categoryId');
      return json(fieldsOf(request, categoryId).map(fieldRow));
    },
    'POST deleteticket': (request) => {
      deleteTicket(request.core, editableTicket(request).id);
      return ok();
    },
  };
}

function visible({ core, user }: Request): JitbitTicket[] {
  return [...core.state.tickets.values()].filter((ticket) => canSee(core, user, ticket));
}

function rowsOf(request: Request): (ticket: JitbitTicket) => Row {
  const parents = parentIds(request.core);
  const withFields = request.params.bool('includeCustomFields', false);
  return (ticket) => ({
    ...listRow(request.core, ticket, parents),
    ...(withFields ? { CustomFields: valuesOf(request, ticket, false) } : {}),
  });
}

/** The document does not print the answer of Search; rows as in Tickets. */
function search(request: Request): Reply {
  const words = request.params.requiredText('query').toLowerCase().split(/\s+/);
  const assigned = request.params.int('assignedToUserId');
  const textOf = (ticket: JitbitTicket): string => {
    const said = request.core.state.comments.filter((comment) => comment.ticketId === ticket.id);
    return [ticket.subject, ticket.body, ...said.map((comment) => comment.body)].join('\n').toLowerCase();
  };
  const found = filtered(request, visible(request)).filter(
    (ticket) =>
      (assigned === undefined || ticket.assignedToUserId === assigned) &&
      words.every((word) => textOf(ticket).includes(word)),
  );
  return json(found.map(rowsOf(request)));
}

/** "Returns the created ticket ID": a bare number. */
function create(request: Request): Reply {
  const { core, params, user } = request;
  const categoryId = knownCategory(request, params.requiredInt('categoryId'));
  const userId = params.int('userId') ?? user.id;
  if (userId !== user.id) requireTech(request);
  if (!core.state.users.has(userId)) refuse(404, `User ${userId} not found`);
  const assignee = params.int('assignedToUserId');
  const ticket = createTicket(
    core,
    {
      categoryId,
      userId,
      subject: params.requiredText('subject'),
      body: params.requiredText('body'),
      priority: knownPriority(params.requiredInt('priorityId')),
      tags: tagList(params.text('tags') ?? ''),
      origin: params.int('origin') ?? 0,
      assignedToUserId: assignee === undefined ? null : assignable(request, assignee, categoryId),
      customFields: createFields(request),
    },
    request.actor,
  );
  return json(ticket.id);
}

/** `customFields` is "a JSON-string", { "ID1": "value" }. */
function createFields(request: Request): Map<number, string> {
  const source = request.params.text('customFields');
  if (source === undefined || source === '') return new Map();
  try {
    const pairs = Object.entries(JSON.parse(source) as Record<string, unknown>);
    return new Map(pairs.map(([id, value]) => checked(request, Number(id), String(value))));
  } catch (error) {
    if (error instanceof SyntaxError) return refuse(400, 'customFields is not valid JSON');
    throw error;
  }
}

/** "Change ticket parameters, one or many"; here the priority is called `priority`. */
function update(request: Request): Reply {
  const ticket = editableTicket(request);
  editTicket(request.core, ticket, { ...identityEdit(request, ticket), ...timeEdit(request) }, request.actor);
  return ok();
}

function identityEdit(request: Request, ticket: JitbitTicket): JitbitEdit {
  const { params, core } = request;
  const priority = params.int('priority');
  const statusId = params.int('statusId');
  const category = params.int('categoryId');
  const userId = params.int('userId');
  const assignee = params.int('assignedUserId');
  const categoryId = category === undefined ? undefined : knownCategory(request, category);
  if (statusId !== undefined && !core.state.statuses.has(statusId)) refuse(400, `Unknown status ${statusId}`);
  if (userId !== undefined && !core.state.users.has(userId)) refuse(404, `User ${userId} not found`);
  const tags = params.text('tags');
  return defined({
    subject: params.text('subject'),
    body: params.text('body'),
    priority: priority === undefined ? undefined : knownPriority(priority),
    statusId,
    categoryId,
    userId,
    // "Set to 0 (zero) to remove the currently assigned user."
    assignedToUserId:
      assignee === undefined
        ? undefined
        : assignee === 0
          ? null
          : assignable(request, assignee, categoryId ?? ticket.categoryId),
    // "All existing tags will be removed."
    tags: tags === undefined ? undefined : tagList(tags),
  });
}

function timeEdit({ params, core }: Request): JitbitEdit {
  const zone = core.behaviour.timeZone;
  const issueDate = params.instant('date', zone);
  return defined({
    issueDate: issueDate ?? undefined,
    dueDate: params.instant('dueDate', zone),
    resolvedDate: params.instant('closeDate', zone),
    timeSpentInSeconds: params.int('timeSpentInSeconds'),
  });
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(values: T): Defined<T> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as Defined<T>;
}

function tagList(value: string): string[] {
  const names = value.split(',').map((name) => name.trim());
  return [...new Set(names.filter((name) => name !== ''))];
}

function tag(request: Request): Reply {
  const ticket = editableTicket(request, 'ticketId');
  const name = request.params.requiredText('name').trim();
  if (name === '') refuse(400, 'The tag has no name');
  if (ticket.tags.some((known) => known.toLowerCase() === name.toLowerCase())) return ok();
  editTicket(request.core, ticket, { tags: [...ticket.tags, name] }, request.actor);
  return ok();
}

function merge(request: Request): Reply {
  const primary = editableTicket(request);
  const merged = editableTicket(request, 'id2');
  if (primary.id === merged.id) refuse(400, 'A ticket cannot be merged with itself');
  mergeTickets(request.core, primary, merged, request.actor);
  touch(request.core, primary, 'links', request.actor);
  return ok();
}

function knownCategory({ core }: Request, id: number): number {
  return core.state.categories.has(id) ? id : refuse(404, `Category ${id} not found`);
}

function knownPriority(value: number): number {
  return value >= -1 && value <= 2 ? value : refuse(400, `Unknown priority ${value}`);
}

/** Only technicians of the category may be assigned (document section "TechsForCategory"). */
function assignable({ core }: Request, userId: number, categoryId: number): number {
  const user = core.state.users.get(userId);
  if (user === undefined) return refuse(404, `User ${userId} not found`);
  if (!isTechIn(core, user, categoryId)) refuse(400, `User ${userId} is not a technician in this category`);
  return userId;
}

function fieldsOf({ core }: Request, categoryId: number): JitbitField[] {
  return [...core.state.fields.values()].filter((field) => field.categoryIds?.includes(categoryId) ?? true);
}

function fieldValues(request: Request): Reply {
  const ticket = visibleTicket(request);
  return json(valuesOf(request, ticket, request.params.bool('returnUnset', false)));
}

function valuesOf(request: Request, ticket: JitbitTicket, unset: boolean): Row[] {
  return fieldsOf(request, ticket.categoryId)
    .filter((field) => unset || ticket.customFields.has(field.id))
    .map((field) => fieldValueRow(field, ticket.customFields.get(field.id) ?? null));
}

function setFields(request: Request, pairs: readonly (readonly [number, string])[]): Reply {
  const ticket = editableTicket(request, 'ticketId');
  const customFields = new Map(pairs.map(([id, value]) => checked(request, id, value)));
  editTicket(request.core, ticket, { customFields }, request.actor);
  return ok();
}

function cfPairs({ params }: Request): [number, string][] {
  const pairs = params.entries().flatMap(([name, value]): [number, string][] => {
    const id = /^cf(\d+)$/.exec(name)?.[1];
    return id === undefined ? [] : [[Number(id), value]];
  });
  return pairs.length > 0 ? pairs : refuse(400, 'No custom field was given');
}

/** "For checkboxes pass true or false. For dropdowns pass the option ID." An empty value clears the field. */
function checked({ core }: Request, id: number, value: string): [number, string] {
  const field = core.state.fields.get(id);
  if (field === undefined) return refuse(404, `Custom field ${id} not found`);
  if (value === '') return [id, value];
  if (field.type === 4 && !/^(true|false)$/i.test(value)) refuse(400, 'A checkbox takes true or false');
  if (field.type === 3 && !field.options.has(Number(value))) refuse(400, `Option ${value} does not exist`);
  if (field.type === 2 && Number.isNaN(Date.parse(value))) refuse(400, `"${value}" is not a date`);
  return [id, value];
}
