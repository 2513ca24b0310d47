/** What the simulated InvGate Service Desk holds. Instants are epoch seconds, the desk's own precision. */
export interface InvgateUser {
  readonly id: number;
  readonly username: string;
  readonly name: string;
  readonly lastname: string;
  readonly email: string;
  /** 1 agent, 2 end user. */
  readonly userType: 1 | 2;
  readonly isDisabled: boolean;
}

export interface InvgateHelpdesk {
  readonly id: number;
  readonly name: string;
  readonly parentId: number | null;
  readonly memberIds: readonly number[];
}

export interface InvgateRequest {
  readonly id: number;
  title: string;
  description: string;
  userId: number;
  readonly creatorId: number;
  priorityId: number;
  typeId: number;
  categoryId: number;
  /** 1 new, 2 open, 3 pending, 4 waiting, 5 solved, 6 closed, 7 rejected, 8 cancelled. */
  statusId: number;
  sourceId: number;
  locationId: number | null;
  /** A help desk, although the vendor calls the field a group. */
  assignedGroupId: number;
  assignedId: number | null;
  readonly createdAt: number;
  occurredAt: number;
  lastUpdate: number;
  solvedAt: number | null;
  closedAt: number | null;
  closedReason: number | null;
  rating: number | null;
  slaResolution: string | null;
  slaFirstReply: string | null;
  waitingFor: InvgateWaiting | null;
  readonly customFields: Map<number, readonly string[]>;
  readonly observerIds: Set<number>;
  readonly collaboratorIds: Set<number>;
  readonly linkedIds: Set<number>;
  readonly entities: {
    readonly linkId: number;
    readonly entityId: number;
    readonly reference: string | null;
  }[];
}

export interface InvgateWaiting {
  readonly kind: 'agent' | 'customer' | 'date' | 'incident' | 'external_entity';
  readonly value: number | null;
}

export interface InvgateComment {
  readonly id: number;
  readonly requestId: number;
  readonly authorId: number;
  /** As it was written; the API shows it HTML-escaped. */
  readonly message: string;
  readonly createdAt: number;
  readonly customerVisible: boolean;
  readonly isSolution: boolean;
}

export interface InvgateApproval {
  readonly id: number;
  readonly requestId: number;
  readonly authorId: number;
  readonly description: string;
  /** 1 predefined, 2 spontaneous. */
  readonly type: 1 | 2;
  /** -2 cancelled, -1 waiting, 0 rejected, 1 approved. */
  status: -2 | -1 | 0 | 1;
  readonly voterIds: number[];
  readonly createdAt: number;
}

export interface InvgateNews {
  readonly id: number;
  typeId: number;
  statusId: number;
  title: string;
  body: string;
  helpdeskIds: readonly number[];
  groupIds: readonly number[];
  resolutionTime: number | null;
  readonly creatorId: number | null;
  readonly createdAt: number;
  readonly updates: {
    readonly creatorId: number | null;
    readonly body: string;
    readonly createdAt: number;
  }[];
}

export interface InvgateField {
  readonly uid: number;
  readonly label: string;
  readonly type: number;
  /** Options of a list by hash; empty for text. */
  readonly options: ReadonlyMap<string, string>;
}

export interface InvgateExecution {
  readonly id: number;
  readonly triggerId: number;
  readonly requestId: number;
  readonly executedAt: number;
}

export interface InvgateArticle {
  readonly id: number;
  readonly title: string;
  readonly content: string;
  readonly categoryId: number;
  readonly authorId: number;
  readonly updatedAt: number;
}

export interface InvgateTime {
  readonly id: number;
  readonly requestId: number;
  readonly userId: number;
  readonly from: number | null;
  readonly to: number;
  readonly comment: string;
  deleted: boolean;
}

export interface InvgateState {
  readonly users: Map<number, InvgateUser>;
  readonly helpdesks: Map<number, InvgateHelpdesk>;
  readonly categories: readonly {
    readonly id: number;
    readonly name: string;
    readonly parentId: number | null;
  }[];
  readonly locations: readonly { readonly id: number; readonly name: string }[];
  readonly groups: readonly { readonly id: number; readonly name: string }[];
  readonly companies: readonly { readonly id: number; readonly name: string }[];
  readonly fields: Map<number, InvgateField>;
  readonly triggers: Map<number, string>;
  readonly executions: InvgateExecution[];
  readonly requests: Map<number, InvgateRequest>;
  readonly comments: InvgateComment[];
  readonly approvals: InvgateApproval[];
  readonly news: InvgateNews[];
  readonly articles: InvgateArticle[];
  readonly times: InvgateTime[];
  /** The next id of each kind of row. */
  readonly nextIds: { request: number; comment: number; execution: number; other: number };
}

export const invgatePriorities = names('Low', 'Medium', 'High', 'Urgent', 'Critical');
export const invgateTypes = names(
  'Incident',
  'Service request',
  'Question',
  'Problem',
  'Change',
  'Major incident',
);
export const invgateStatuses = names(
  'New',
  'Open',
  'Pending',
  'Waiting',
  'Solved',
  'Closed',
  'Rejected',
  'Cancelled',
);
export const invgateSources = names('Webmail', 'Phone', 'Web', 'API');

function names(...list: readonly string[]): ReadonlyMap<number, string> {
  return new Map(list.map((name, index) => [index + 1, name]));
}
