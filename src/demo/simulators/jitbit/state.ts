/** What the simulated Jitbit desk holds. Instants are milliseconds; people, categories and fields go by id. */
export interface JitbitUser {
  readonly id: number;
  readonly username: string;
  readonly email: string;
  readonly firstName: string;
  readonly lastName: string;
  readonly companyId: number | null;
  readonly isAdmin: boolean;
  /** A technician in at least one category. */
  readonly isTech: boolean;
  /** For Basic authentication; null: cannot sign in with a password. */
  password: string | null;
  /** For Bearer authentication; "expires when the user changes the password". */
  token: string | null;
  disabled: boolean;
}

export interface JitbitCategory {
  readonly id: number;
  readonly name: string;
  readonly sectionId: number | null;
  readonly section: string | null;
  readonly forTechsOnly: boolean;
  /** Who is a technician here: who may be assigned. */
  readonly techIds: readonly number[];
}

export interface JitbitCompany {
  readonly id: number;
  readonly name: string;
  readonly emailDomain: string | null;
}

/** A custom field; types: 1 text, 2 date, 3 drop-down, 4 checkbox, 5 multi-line text. */
export interface JitbitField {
  readonly id: number;
  readonly name: string;
  readonly type: 1 | 2 | 3 | 4 | 5;
  /** Options of a drop-down by id; the API writes and reads the id. */
  readonly options: ReadonlyMap<number, string>;
  /** The categories it belongs to; null for all. */
  readonly categoryIds: readonly number[] | null;
}

export interface JitbitTicket {
  readonly id: number;
  subject: string;
  body: string;
  /** -1 low, 0 normal, 1 high, 2 critical. */
  priority: number;
  statusId: number;
  categoryId: number;
  userId: number;
  assignedToUserId: number | null;
  issueDate: number;
  startDate: number;
  dueDate: number | null;
  resolvedDate: number | null;
  lastUpdated: number;
  lastUpdatedByUserId: number | null;
  updatedByUser: boolean;
  updatedByPerformer: boolean;
  updatedForTechView: boolean;
  origin: number;
  timeSpentInSeconds: number;
  tags: string[];
  attachments: string[];
  readonly customFields: Map<number, string>;
  readonly subscriberIds: Set<number>;
  readonly linkedIds: Set<number>;
  parentId: number | null;
}

export interface JitbitComment {
  readonly id: number;
  ticketId: number;
  readonly userId: number;
  readonly body: string;
  readonly forTechsOnly: boolean;
  readonly isSystem: boolean;
  readonly date: number;
  readonly recipientIds: readonly number[];
}

export interface JitbitState {
  readonly users: Map<number, JitbitUser>;
  readonly companies: Map<number, JitbitCompany>;
  readonly categories: Map<number, JitbitCategory>;
  /** Status names by id; 1, 2 and 3 are New, In process and Closed everywhere, the rest is custom. */
  readonly statuses: Map<number, string>;
  readonly fields: Map<number, JitbitField>;
  readonly tickets: Map<number, JitbitTicket>;
  /** In the order they were written. */
  readonly comments: JitbitComment[];
  readonly templates: { readonly id: number; readonly name: string; readonly body: string }[];
  nextTicketId: number;
  nextCommentId: number;
}

export const jitbitPriorities: ReadonlyMap<number, string> = new Map([
  [-1, 'Low'],
  [0, 'Normal'],
  [1, 'High'],
  [2, 'Critical'],
]);

/** `origin` values of the document, section "Ticket (POST)". */
export const jitbitOrigins = [
  'WebApp',
  'Email',
  'Widget',
  'API',
  'Scheduler',
  'MobileApp',
  'Phone',
  'LiveChat',
  'InPerson',
] as const;
