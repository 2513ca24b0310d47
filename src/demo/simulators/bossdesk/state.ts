/** What the simulated BOSSDesk holds. Instants are epoch microseconds, as in its database; JSON shows milliseconds. */
export interface BossUser {
  readonly id: number;
  readonly friendlyId: number;
  readonly username: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly email: string;
  readonly isAgent: boolean;
  readonly group: Named | null;
}

export interface Named {
  readonly id: number;
  readonly name: string;
}

export interface BossComment {
  readonly id: number;
  readonly body: string;
  readonly isPublic: boolean;
  readonly createdAt: number;
  readonly createdById: number;
  readonly source: string;
}

export interface BossTask {
  readonly id: number;
  title: string;
  note: string;
  typeId: number | null;
  teamId: number | null;
  agentId: number | null;
  dueAt: number | null;
  closedAt: number | null;
  readonly createdAt: number;
  readonly createdById: number;
}

export interface BossTimeEntry {
  readonly id: number;
  date: string;
  duration: number;
  billable: boolean;
  agentId: number;
  taskId: number | null;
}

export interface BossTicket {
  /** The internal id; URLs take {@link friendlyId}. */
  readonly id: number;
  readonly friendlyId: number;
  title: string;
  description: string;
  source: string;
  typeId: number;
  priorityId: number;
  categoryId: number | null;
  extendedStatusId: number | null;
  requesterId: number | null;
  teamId: number | null;
  agentId: number | null;
  tagIds: number[];
  readonly customFields: Map<string, unknown>;
  readonly createdAt: number;
  updatedAt: number;
  dueAt: number | null;
  closedAt: number | null;
  lockVersion: number;
  readonly comments: BossComment[];
  readonly tasks: BossTask[];
  readonly timeEntries: BossTimeEntry[];
  readonly approvals: BossApproval[];
}

export interface BossApproval {
  readonly id: number;
  /** `sent`, then whatever its user answers. */
  status: string;
  comment: string | null;
  readonly userId: number;
  readonly createdAt: number;
  respondedAt: number | null;
}

export interface BossField extends Named {
  /** 1 string, 2 text, 4 integer, 6 date, 7 boolean, 8 dropdown. */
  readonly typeId: number;
  readonly options: readonly Named[];
}

export interface BossState {
  readonly users: Map<number, BossUser>;
  readonly teams: Map<number, Named>;
  readonly categories: Map<number, Named & { readonly teamIds: readonly number[] }>;
  readonly priorities: Map<number, Named & { readonly level: number }>;
  readonly extendedStatuses: Map<number, Named>;
  readonly types: Map<number, Named & { readonly shortcut: string }>;
  readonly taskTypes: Map<number, Named>;
  readonly tags: Map<number, Named>;
  readonly fields: Map<number, BossField>;
  /** By friendly id. */
  readonly tickets: Map<number, BossTicket>;
  nextFriendlyId: number;
  nextId: number;
}
