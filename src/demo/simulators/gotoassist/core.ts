import type { DeskClock } from '../support/server.ts';
import type { GotoIncident, GotoNote, GotoPriority, GotoState } from './state.ts';

export interface GotoCore {
  readonly state: GotoState;
  readonly clock: DeskClock;
  /** The zone of dates written like `10 Feb 2011, 15:38`. */
  readonly timeZone: string;
  /** What reopens: nulls as the guide says, or empty texts as one client sends [O]. */
  readonly reopensWith: 'null' | 'empty';
  /** Whether an update takes `due_date`, which the guide's parameter list does not have. */
  readonly takesDueDate: boolean;
}

const hour = 3_600_000;

/** Hours until an incident of a level is due; it escalates half way. */
const dueHours: readonly number[] = [4, 8, 24, 48, 120];

export function priorityOf(state: GotoState, incident: GotoIncident): GotoPriority | undefined {
  return state.services.get(incident.serviceId)?.priorities.find((one) => one.id === incident.priorityId);
}

/** "Due date and Escalation Due Dates are calculated by the priority, and are updated if the priority changes." */
export function setDueDates(state: GotoState, incident: GotoIncident): void {
  const level = priorityOf(state, incident)?.level ?? 3;
  const hours = dueHours[level - 1] ?? 120;
  incident.dueDate = incident.openedAt + hours * hour;
  incident.dueToEscalateAt = incident.openedAt + (hours * hour) / 2;
}

type NewIncident = Pick<GotoIncident, 'title' | 'serviceId' | 'priorityId' | 'ownerId' | 'openedAt'> &
  Partial<GotoIncident>;

export function newIncident(state: GotoState, at: number, values: NewIncident): GotoIncident {
  const id = state.nextId++;
  const incident: GotoIncident = {
    typeId: null,
    categoryId: null,
    assignedUserId: null,
    customerId: null,
    createdAt: at,
    lastActiveAt: at,
    dueDate: null,
    dueToEscalateAt: null,
    resolvedAt: null,
    resolvedById: null,
    closedAt: null,
    closedById: null,
    closureCode: null,
    closureComment: '',
    updatedById: values.ownerId,
    additionalValues: {},
    notes: [],
    watches: [],
    links: [],
    ...values,
    id,
    referenceNum: id - 10_000,
  };
  setDueDates(state, incident);
  state.incidents.set(incident.referenceNum, incident);
  return incident;
}

/** Writes values and makes the incident active. */
export function editIncident(
  core: GotoCore,
  incident: GotoIncident,
  edit: Partial<GotoIncident>,
  by: number,
): void {
  const was = incident.priorityId;
  Object.assign(incident, edit);
  if (incident.priorityId !== was) setDueDates(core.state, incident);
  touch(core, incident, by);
}

export function touch(core: GotoCore, incident: GotoIncident, by: number): void {
  incident.lastActiveAt = core.clock.now();
  incident.updatedById = by;
}

export function addNote(
  core: GotoCore,
  incident: GotoIncident,
  note: Omit<GotoNote, 'id' | 'createdAt'>,
): GotoNote {
  const stored = { ...note, id: core.state.nextId++, createdAt: core.clock.now() };
  incident.notes.push(stored);
  touch(core, incident, note.userId ?? incident.updatedById);
  return stored;
}

export function statusOf(incident: GotoIncident): 'Open' | 'Resolved' | 'Closed' {
  if (incident.closedAt !== null) return 'Closed';
  return incident.resolvedAt === null ? 'Open' : 'Resolved';
}
