import type { DeskClock } from '../support/server.ts';
import type { InvgateRequest, InvgateState, InvgateWaiting } from './state.ts';

/** Choices where the manual is silent or copies of it differ. */
export interface InvgateBehaviour {
  readonly stringIds: boolean;
  readonly commentBumps: boolean;
  readonly fieldBumps: boolean;
  readonly unknownIds: 'omitted' | 'error';
  /** Statuses that `incidents.by.status` and `.by.helpdesk` show; the manual says open requests. */
  readonly listedStatuses: readonly number[];
  readonly viewPageSize: number;
  readonly hourPageSize: number;
}

/** What automation can be told of: the rules' and workflows' "call web service". */
export type InvgateHook = 'created' | 'updated' | 'reassigned' | 'commented' | 'status_changed';

export interface InvgateCore {
  readonly state: InvgateState;
  readonly clock: DeskClock;
  readonly behaviour: InvgateBehaviour;
  readonly fire: (hook: InvgateHook, requestId: number) => void;
}

export const openStatuses: readonly number[] = [1, 2, 3, 4];

export function seconds(core: InvgateCore): number {
  return Math.floor(core.clock.now() / 1000);
}

type NewRequest = Pick<
  InvgateRequest,
  | 'title'
  | 'description'
  | 'userId'
  | 'creatorId'
  | 'priorityId'
  | 'typeId'
  | 'categoryId'
  | 'assignedGroupId'
>;

export function newRequest(id: number, at: number, values: NewRequest): InvgateRequest {
  return {
    ...values,
    id,
    statusId: 1,
    sourceId: 4,
    locationId: null,
    assignedId: null,
    createdAt: at,
    occurredAt: at,
    lastUpdate: at,
    solvedAt: null,
    closedAt: null,
    closedReason: null,
    rating: null,
    slaResolution: 'On time',
    slaFirstReply: 'On time',
    waitingFor: null,
    customFields: new Map(),
    observerIds: new Set(),
    collaboratorIds: new Set(),
    linkedIds: new Set(),
    entities: [],
  };
}

export function addRequest(core: InvgateCore, values: NewRequest): InvgateRequest {
  const request = newRequest(core.state.nextIds.request++, seconds(core), values);
  core.state.requests.set(request.id, request);
  core.fire('created', request.id);
  return request;
}

/** Values that the edit form and PUT `incident` share. */
export type RequestEdit = Partial<
  Pick<
    InvgateRequest,
    | 'title'
    | 'description'
    | 'userId'
    | 'priorityId'
    | 'typeId'
    | 'categoryId'
    | 'sourceId'
    | 'locationId'
    | 'occurredAt'
    | 'slaResolution'
    | 'slaFirstReply'
  >
>;

export function editRequest(core: InvgateCore, request: InvgateRequest, edit: RequestEdit): void {
  Object.assign(request, edit);
  touch(core, request);
  core.fire('updated', request.id);
}

export function touch(core: InvgateCore, request: InvgateRequest): void {
  request.lastUpdate = seconds(core);
}

/** Moves a request to a help desk, and to an agent there; a new request that gets an agent is open. */
export function reassign(
  core: InvgateCore,
  request: InvgateRequest,
  groupId: number,
  agentId: number | null,
): void {
  request.assignedGroupId = groupId;
  request.assignedId = agentId;
  if (agentId !== null && request.statusId === 1) request.statusId = 2;
  touch(core, request);
  core.fire('reassigned', request.id);
}

export function addComment(
  core: InvgateCore,
  request: InvgateRequest,
  comment: { authorId: number; message: string; customerVisible: boolean; isSolution: boolean },
): number {
  const id = core.state.nextIds.comment++;
  core.state.comments.push({ ...comment, id, requestId: request.id, createdAt: seconds(core) });
  if (core.behaviour.commentBumps) touch(core, request);
  core.fire('commented', request.id);
  if (comment.isSolution) setStatus(core, request, 5);
  return id;
}

/** A transition with everything that follows from the new status. */
export function setStatus(
  core: InvgateCore,
  request: InvgateRequest,
  statusId: number,
  waitingFor: InvgateWaiting | null = null,
): void {
  request.statusId = statusId;
  request.waitingFor = waitingFor;
  if (statusId === 5) request.solvedAt = seconds(core);
  if (statusId === 6) closeRequest(request, seconds(core));
  if (openStatuses.includes(statusId)) {
    request.solvedAt = null;
    request.closedAt = null;
    request.closedReason = null;
  }
  touch(core, request);
  core.fire('status_changed', request.id);
}

export function closeRequest(request: InvgateRequest, at: number): void {
  request.statusId = 6;
  request.solvedAt ??= at;
  request.closedAt = at;
  request.closedReason = 1;
  request.lastUpdate = at;
}

export function fireTrigger(core: InvgateCore, triggerId: number, requestId: number): number {
  const id = core.state.nextIds.execution++;
  core.state.executions.push({ id, triggerId, requestId, executedAt: seconds(core) });
  return id;
}
