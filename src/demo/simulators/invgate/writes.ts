import { addComment, addRequest, editRequest, openStatuses, reassign, setStatus, touch } from './core.ts';
import {
  done,
  knownUser,
  notDone,
  readRequest,
  refuse,
  writeRequest,
  type Endpoints,
  type Request,
} from './endpoint.ts';
import { fieldValues, requestRow, shapeOf } from './rows.ts';
import { invgateIds } from './seed.ts';
import {
  invgatePriorities,
  invgateSources,
  invgateTypes,
  type InvgateRequest,
  type InvgateWaiting,
} from './state.ts';

/** Everything that changes a request. */
export const writeEndpoints: Endpoints = {
  'POST incident': create,
  'PUT incident': edit,
  'POST incident.comment': comment,
  'POST incident.reassign': assign,
  'PUT incident.reopen': (request) => move(request, 'request_id', [5, 6, 7, 8], 2, 'reopened'),
  'POST incident.reject': (request) => {
    knownUser(request, 'author_id');
    return move(request, 'request_id', openStatuses, 7, 'rejected');
  },
  'POST incident.cancel': (request) => {
    if (!request.newer) refuse(404, 'Not found');
    return move(request, 'request_id', openStatuses, 8, 'cancelled');
  },
  'PUT incident.solution.accept': acceptSolution,
  'PUT incident.solution.reject': (request) => {
    const message = request.params.requiredText('comment');
    const row = writeRequest(request, 'id');
    const answer = move(request, 'id', [5], 2, 'rejected');
    addComment(request.core, row, {
      authorId: row.userId,
      message,
      customerVisible: true,
      isSolution: false,
    });
    return answer;
  },
  'POST incident.waitingfor.agent': (request) => wait(request, 'agent', null, 3),
  'POST incident.waitingfor.customer': (request) => wait(request, 'customer', null),
  'POST incident.waitingfor.date': (request) =>
    wait(request, 'date', request.params.requiredInt('timestamp')),
  'POST incident.waitingfor.incident': (request) =>
    wait(request, 'incident', writeRequest(request, 'wait_request_id').id),
  'POST incident.waitingfor.external_entity': (request) => {
    const linkId = request.params.requiredInt('entity_link_id');
    // "The entity should be already linked."
    if (!writeRequest(request).entities.some((one) => one.linkId === linkId))
      notDone('The entity is not linked');
    return wait(request, 'external_entity', linkId);
  },
  'POST incident.custom_field': setField,
  'DELETE incident.custom_field': (request) => {
    const row = writeRequest(request);
    knownUser(request, 'author_id');
    row.customFields.delete(fieldUid(request));
    return fieldDone(request, row);
  },
  'GET incident.observer': (request) => [...readRequest(request).observerIds],
  'POST incident.observer': (request) => addPeople(request, (row) => row.observerIds),
  'GET incident.collaborator': (request) => [...readRequest(request).collaboratorIds],
  'POST incident.collaborator': (request) => addPeople(request, (row) => row.collaboratorIds),
  'GET incident.link': (request) =>
    [...readRequest(request).linkedIds].map((id) => ({
      id,
      title: request.core.state.requests.get(id)?.title ?? '',
    })),
  'POST incident.link': link,
  'GET incident.external_entity': (request) =>
    readRequest(request).entities.map((one) => ({
      status: 1,
      type: 100,
      link_id: one.linkId,
      ref_id: one.entityId,
      name: `Entity ${one.entityId}`,
      ext_ref_id: one.reference,
    })),
  'POST incident.external_entity': (request) => {
    const row = writeRequest(request);
    const linkId = request.core.state.nextIds.other++;
    const reference = request.params.text('external_entity_ref_id') ?? null;
    row.entities.push({ linkId, entityId: request.params.requiredInt('external_entity_id'), reference });
    return { ...done('linked'), link_id: String(linkId) };
  },
};

/** The document's POST `/incident`; the id of the answer comes as text [O]. */
function create(request: Request): unknown {
  const { core, params } = request;
  const values = {
    creatorId: knownUser(request, 'creator_id'),
    userId: knownUser(request, 'customer_id'),
    categoryId: oneOf(
      request,
      'category_id',
      core.state.categories.map((one) => one.id),
    ),
    priorityId: oneOf(request, 'priority_id', invgatePriorities.keys()),
    typeId: oneOf(request, 'type_id', invgateTypes.keys()),
    title: params.requiredText('title'),
    description: params.text('description') ?? '',
    assignedGroupId: invgateIds.serviceDesk,
  };
  const row = addRequest(core, values);
  row.sourceId = params.int('source_id') ?? row.sourceId;
  row.occurredAt = params.int('date') ?? row.occurredAt;
  row.locationId = params.int('location_id') ?? null;
  for (const id of params.ints('related_to')) row.linkedIds.add(id);
  return { ...done('created'), request_id: String(row.id) };
}

/** PUT `/incident` answers with the request itself, without an envelope. */
function edit(request: Request): unknown {
  const { core, params } = request;
  const row = writeRequest(request, 'id');
  const optional = (name: string, values: Iterable<number>): number | undefined =>
    params.int(name) === undefined ? undefined : oneOf(request, name, values);
  const wanted = {
    title: params.text('title'),
    description: params.text('description'),
    priorityId: optional('priority_id', invgatePriorities.keys()),
    typeId: optional('type_id', invgateTypes.keys()),
    categoryId: optional(
      'category_id',
      core.state.categories.map((one) => one.id),
    ),
    sourceId: optional('source_id', invgateSources.keys()),
    userId: optional('customer_id', core.state.users.keys()),
    locationId: optional(
      'location_id',
      core.state.locations.map((one) => one.id),
    ),
    occurredAt: params.int('date'),
  };
  editRequest(
    core,
    row,
    Object.fromEntries(Object.entries(wanted).filter(([, value]) => value !== undefined)),
  );
  // "Reassign the request to a help desk according to the new properties."
  if (params.flag('reassignment') === true) reassign(core, row, invgateIds.serviceDesk, null);
  return requestRow(row, shapeOf(request, { iso: true, decoded: false }), fieldValues(request, row));
}

function oneOf(request: Request, name: string, values: Iterable<number>): number {
  const value = request.params.requiredInt(name);
  return [...values].includes(value) ? value : notDone(`${name} ${value} does not exist`);
}

/** Answers without the id of the new comment. */
function comment(request: Request): unknown {
  const { core, params } = request;
  const row = writeRequest(request);
  const authorId = knownUser(request, 'author_id');
  const message = params.requiredText('comment');
  const isSolution = params.flag('is_solution') === true;
  if (isSolution && !openStatuses.includes(row.statusId))
    return { status: 'ERROR', error: 'The request is not open' };
  addComment(core, row, {
    authorId,
    message,
    isSolution,
    customerVisible: params.flag('customer_visible') ?? true,
  });
  return { status: 'OK' };
}

/** `group_id` is a help desk and required even to change the agent alone; an agent must belong to it. */
function assign(request: Request): unknown {
  const { core, params } = request;
  const row = writeRequest(request);
  knownUser(request, 'author_id');
  const helpdesk = core.state.helpdesks.get(params.requiredInt('group_id'));
  if (helpdesk === undefined) return notDone('The help desk does not exist');
  const agentId = params.int('agent_id') ?? null;
  if (agentId !== null && !helpdesk.memberIds.includes(agentId))
    notDone('The agent does not belong to the help desk');
  if (row.statusId >= 6) notDone('The request is closed');
  reassign(core, row, helpdesk.id, agentId);
  return { status: 'OK' };
}

/** A transition from one of `from`; from anywhere else it is an ERROR, so repeating it fails. */
function move(request: Request, name: string, from: readonly number[], to: number, what: string): unknown {
  const row = writeRequest(request, name);
  if (!from.includes(row.statusId))
    return { status: 'ERROR', error: '400', info: `The request cannot be ${what}` };
  setStatus(request.core, row, to);
  return done(what);
}

/** "Comment is required if the rating is less than 4." */
function acceptSolution(request: Request): unknown {
  const row = writeRequest(request, 'id');
  const rating = request.params.requiredInt('rating');
  if (rating < 1 || rating > 5) notDone('The rating must be between 1 and 5');
  if (rating < 4) request.params.requiredText('comment');
  const answer = move(request, 'id', [5], 6, 'accepted');
  if (row.statusId === 6) row.rating = rating;
  return answer;
}

function wait(request: Request, kind: InvgateWaiting['kind'], value: number | null, statusId = 4): unknown {
  const row = writeRequest(request);
  if (!openStatuses.includes(row.statusId)) notDone('The request is not open');
  setStatus(request.core, row, statusId, { kind, value });
  return done('waiting');
}

function setField(request: Request): unknown {
  const row = writeRequest(request);
  knownUser(request, 'author_id');
  const uid = fieldUid(request);
  const values = request.params.texts('values');
  if (values.length === 0) refuse(428, 'Parameter values is required');
  const options = request.core.state.fields.get(uid)?.options;
  const stored =
    options === undefined || options.size === 0 ? values : values.map((value) => hashOf(options, value));
  // "No value (empty string) means erase value."
  if (values.every((value) => value === '')) row.customFields.delete(uid);
  else row.customFields.set(uid, stored);
  return fieldDone(request, row);
}

/** Lists take the label or the hash. */
function hashOf(options: ReadonlyMap<string, string>, value: string): string {
  const found = [...options].find(([hash, label]) => hash === value || label === value);
  return found?.[0] ?? (value === '' ? '' : notDone(`The option ${value} does not exist`));
}

function fieldUid({ core, params }: Request): number {
  const uid = params.requiredInt('custom_field_uid');
  return core.state.fields.has(uid) ? uid : notDone(`The custom field ${uid} does not exist`);
}

function fieldDone({ core }: Request, row: InvgateRequest): unknown {
  if (core.behaviour.fieldBumps) touch(core, row);
  return done('stored');
}

function addPeople(request: Request, set: (row: InvgateRequest) => Set<number>): unknown {
  const row = writeRequest(request);
  knownUser(request, 'author_id');
  const one = request.params.int('user_id');
  const people = one === undefined ? request.params.ints('users_id') : [one];
  if (people.length === 0) notDone('No user was given');
  for (const id of people) set(row).add(id);
  return { status: 'OK' };
}

function link(request: Request): unknown {
  const { core, params } = request;
  const row = writeRequest(request);
  for (const id of params.requiredInts('request_ids')) {
    const other = core.state.requests.get(id);
    if (other === undefined) return { status: 'ERROR', error: `The request ${id} does not exist` };
    row.linkedIds.add(id);
    other.linkedIds.add(row.id);
  }
  return done('linked');
}
