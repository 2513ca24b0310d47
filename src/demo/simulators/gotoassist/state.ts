/** What the simulated GoToAssist Service Desk holds. Instants are milliseconds; JSON shows whole seconds. */
export interface GotoUser {
  readonly id: number;
  readonly firstName: string;
  readonly lastName: string;
  readonly email: string;
  readonly isGroup: boolean;
}

export interface GotoCustomer {
  readonly id: number;
  readonly firstName: string;
  readonly lastName: string;
  readonly email: string;
}

export interface GotoPriority {
  readonly id: number;
  readonly description: string;
  /** 1 is the most urgent. */
  readonly level: number;
}

export interface GotoNamed {
  readonly id: number;
  readonly name: string;
}

/** Priorities, types and categories belong to one service: their ids mean nothing in another. */
export interface GotoService extends GotoNamed {
  readonly priorities: readonly GotoPriority[];
  readonly types: readonly GotoNamed[];
  readonly categories: readonly GotoNamed[];
}

export type GotoNoteKind = 'symptom' | 'comment' | 'resolution';

export interface GotoNote {
  readonly id: number;
  readonly kind: GotoNoteKind;
  readonly note: string;
  readonly userId: number | null;
  readonly externalEmail: string;
  readonly createdAt: number;
}

export interface GotoIncident {
  readonly id: number;
  /** What URLs and people use. */
  readonly referenceNum: number;
  title: string;
  serviceId: number;
  priorityId: number;
  typeId: number | null;
  categoryId: number | null;
  assignedUserId: number | null;
  ownerId: number;
  customerId: number | null;
  readonly createdAt: number;
  openedAt: number;
  lastActiveAt: number;
  dueDate: number | null;
  dueToEscalateAt: number | null;
  resolvedAt: number | null;
  resolvedById: number | null;
  closedAt: number | null;
  closedById: number | null;
  closureCode: number | null;
  closureComment: string;
  updatedById: number;
  readonly additionalValues: Record<string, string>;
  readonly notes: GotoNote[];
  readonly watches: { readonly id: number; watchedBy: number; readonly createdAt: number }[];
  readonly links: { readonly type: GotoLinkType; readonly ref: number }[];
}

export type GotoLinkType = 'incident' | 'change' | 'problem' | 'release';

export type GotoOtherKind = 'problem' | 'change' | 'release';

/** A problem, a change or a release: only what is read of them. */
export interface GotoOther {
  readonly kind: GotoOtherKind;
  /** Each kind counts for itself. */
  readonly id: number;
  title: string;
  serviceId: number;
  assignedUserId: number | null;
  closedAt: number | null;
  readonly createdAt: number;
  lastActiveAt: number;
  readonly notes: GotoNote[];
}

export interface GotoTimeEntry {
  readonly id: number;
  readonly entry: string;
  readonly hours: number;
  readonly description: string;
  readonly userId: number;
  readonly performedAt: number;
  readonly createdAt: number;
}

export interface GotoState {
  readonly users: Map<number, GotoUser>;
  readonly customers: Map<number, GotoCustomer>;
  readonly companies: readonly GotoNamed[];
  readonly services: Map<number, GotoService>;
  /** By reference number. */
  readonly incidents: Map<number, GotoIncident>;
  /** By kind and id, `problem-20`. */
  readonly others: Map<string, GotoOther>;
  readonly timeEntries: GotoTimeEntry[];
  nextId: number;
}
