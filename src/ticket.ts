/**
 * The vendor-neutral ticket. Its keys are snake_case because this very object is what rules, templates,
 * `http.post` bodies and the API show; there is no second form to translate to.
 *
 * In an {@link ObservedTicket} a missing key means "never fetched" and `null` means "no value". Only
 * {@link presentTicket} turns the first into `null` plus a name in `unknown`.
 */

/** Where a ticket stands in its life, over all vendors. */
export type Phase = 'new' | 'open' | 'waiting' | 'resolved' | 'closed' | 'rejected' | 'cancelled' | 'unknown';

export const PHASES = [
  'new',
  'open',
  'waiting',
  'resolved',
  'closed',
  'rejected',
  'cancelled',
  'unknown',
] as const satisfies readonly Phase[];

/** Phases in which nobody has to act any more. */
export const FINAL_PHASES: readonly Phase[] = ['resolved', 'closed', 'rejected', 'cancelled'];

/** Priority levels, lowest first; ordered operators compare by position. */
export const PRIORITY_LEVELS = ['low', 'normal', 'high', 'urgent', 'critical'] as const;
export type PriorityLevel = (typeof PRIORITY_LEVELS)[number];

export interface Named {
  readonly id: string | null;
  readonly name: string | null;
}

export interface Category extends Named {
  /** `Hardware > Printer`; null where the vendor has no tree. */
  readonly path: string | null;
}

export interface Priority extends Named {
  /** Null where the vendor's own name maps to no level. */
  readonly level: PriorityLevel | null;
}

export type PersonKind = 'agent' | 'requester' | 'group' | 'system' | 'self' | 'unknown';

export interface Person {
  readonly id: string | null;
  readonly name: string | null;
  readonly email: string | null;
  readonly kind: PersonKind;
}

export interface CustomValue {
  readonly id: string;
  readonly name: string | null;
  readonly value: string | number | boolean | readonly string[] | null;
}

/** ISO 8601 in UTC with milliseconds, as in every JSON surface. */
export type Instant = string;

/** Fields that a vendor can tell us; the rest of a ticket's JSON is ours (`acknowledged`, `revision`, …). */
export interface TicketFields {
  readonly internal_id: string | null;
  readonly display_id: string | null;
  readonly url: string | null;
  readonly title: string | null;
  readonly description: string | null;
  readonly status: Named | null;
  readonly phase: Phase;
  readonly sub_status: Named | null;
  readonly priority: Priority | null;
  readonly type: Named | null;
  readonly category: Category | null;
  readonly queue: Named | null;
  readonly assignee: Person | null;
  readonly requester: Person | null;
  readonly creator: Person | null;
  readonly company: Named | null;
  readonly location: Named | null;
  readonly tags: readonly string[];
  /** Keyed by the custom field's name where it has one, else by its id. */
  readonly custom: Readonly<Record<string, CustomValue>>;
  readonly channel: Named | null;
  readonly created_at: Instant | null;
  readonly occurred_at: Instant | null;
  readonly updated_at: Instant | null;
  readonly resolved_at: Instant | null;
  readonly closed_at: Instant | null;
  readonly due_at: Instant | null;
  readonly escalate_at: Instant | null;
  readonly sla: {
    readonly response_due_at: Instant | null;
    readonly resolution_due_at: Instant | null;
    readonly state: string | null;
  };
  readonly last_updated_by: Person | null;
  readonly awaiting: 'agent' | 'customer' | 'other' | null;
}

/** What one or more vendor reads said of a ticket: keys that were never fetched are missing. */
export type ObservedTicket = Partial<TicketFields> & { readonly id: string; readonly raw?: unknown };

/** The ticket as every surface shows it: all keys present. */
export interface Ticket extends TicketFields {
  readonly id: string;
  readonly acknowledged: boolean;
  readonly snoozed: boolean;
  readonly revision: number;
  readonly raw: unknown;
}

/** A note on a ticket. */
export interface Comment {
  readonly id: string;
  readonly at: Instant | null;
  readonly author: Person | null;
  readonly text: string | null;
  /** Null where the vendor cannot say (GoToAssist). */
  readonly public: boolean | null;
  readonly system: boolean;
  readonly solution: boolean;
}

const EMPTY: TicketFields = {
  internal_id: null,
  display_id: null,
  url: null,
  title: null,
  description: null,
  status: null,
  phase: 'unknown',
  sub_status: null,
  priority: null,
  type: null,
  category: null,
  queue: null,
  assignee: null,
  requester: null,
  creator: null,
  company: null,
  location: null,
  tags: [],
  custom: {},
  channel: null,
  created_at: null,
  occurred_at: null,
  updated_at: null,
  resolved_at: null,
  closed_at: null,
  due_at: null,
  escalate_at: null,
  sla: { response_due_at: null, resolution_due_at: null, state: null },
  last_updated_by: null,
  awaiting: null,
};

/** Names of all fields that a vendor can tell. */
export const TICKET_FIELDS = Object.keys(EMPTY) as readonly (keyof TicketFields)[];

/** Ours: what Deskhand itself knows of a ticket. */
export interface OwnTicketState {
  readonly acknowledged: boolean;
  readonly snoozed: boolean;
  readonly revision: number;
  /** Our own clock's deadlines, where the desk keeps none. */
  readonly sla?: TicketFields['sla'] | null;
}

/**
 * Fills an observed ticket up to the full JSON shape.
 *
 * @returns the ticket and the names of the fields that were never fetched
 */
export function presentTicket(
  observed: ObservedTicket,
  own: OwnTicketState,
): { ticket: Ticket; unknown: string[] } {
  const { acknowledged, snoozed, revision, sla } = own;
  const raw = observed.raw ?? {};
  // Every key at once and then values only: merged by spreading, so many keys become a slow dictionary.
  const ticket: Ticket = { id: observed.id, ...EMPTY, acknowledged, snoozed, revision, raw };
  const unknown: string[] = [];
  for (const field of TICKET_FIELDS) {
    const value = field === 'sla' && sla != null ? sla : observed[field];
    if (value === undefined) unknown.push(field);
    else Object.assign(ticket, { [field]: value });
  }
  return { ticket, unknown };
}
