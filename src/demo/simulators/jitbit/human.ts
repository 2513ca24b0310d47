import type { Random } from '../support/random.ts';
import {
  addComment,
  createTicket,
  deleteTicket,
  editTicket,
  mergeTickets,
  touch,
  type JitbitActor,
  type JitbitCore,
  type JitbitEdit,
} from './core.ts';
import type { JitbitTicket } from './state.ts';

/** A person by id, e-mail or user name. */
export type PersonRef = number | string;
/** A category by id, name or `Section > Name`. */
export type CategoryRef = number | string;

/** What a person types into the form; names are allowed wherever the API wants ids. */
export interface HumanEdit {
  readonly subject?: string;
  readonly body?: string;
  /** -1 low, 0 normal, 1 high, 2 critical. */
  readonly priority?: number;
  /** Id or name. */
  readonly status?: number | string;
  readonly category?: CategoryRef;
  readonly assignee?: PersonRef | null;
  readonly requester?: PersonRef;
  /** Milliseconds, or null to remove it. */
  readonly dueAt?: number | null;
  readonly tags?: readonly string[];
  /** Values by field id or name; '' clears. */
  readonly customFields?: Readonly<Record<string, string>>;
}

export interface HumanTicket extends HumanEdit {
  readonly subject: string;
  /** Default 0, the web application. */
  readonly origin?: number;
}

/** People working in the browser: nothing here is limited, logged in {@link Calls} or subject to faults. */
export interface JitbitHuman {
  /** Returns the new ticket's id. Defaults: category Network, requester mert@acme.com, priority normal. */
  create(ticket: HumanTicket): number;
  /** `by` is nora@acme.com unless given, here and below. */
  edit(id: number, edit: HumanEdit, by?: PersonRef): void;
  /** Returns the comment's id; by the ticket's requester when `by` is `requester`. */
  comment(id: number, body: string, how?: { by?: PersonRef; techsOnly?: boolean; system?: boolean }): number;
  close(id: number, by?: PersonRef): void;
  reopen(id: number, by?: PersonRef): void;
  assign(id: number, assignee: PersonRef | null, by?: PersonRef): void;
  tag(id: number, name: string, by?: PersonRef): void;
  untag(id: number, name: string, by?: PersonRef): void;
  subscribe(id: number, person: PersonRef): void;
  merge(id: number, gone: number, by?: PersonRef): void;
  remove(id: number): void;
}

export function createHuman(core: JitbitCore): JitbitHuman {
  const actor = (by: PersonRef = 'nora@acme.com'): JitbitActor => ({
    userId: personId(core, by),
    source: 'human',
  });
  const edit = (id: number, values: HumanEdit, by?: PersonRef): void =>
    editTicket(core, ticketOf(core, id), toEdit(core, values), actor(by));
  return {
    create: ({ origin = 0, ...values }) => {
      const wanted = { category: 'Network', requester: 'mert@acme.com', body: values.subject, ...values };
      return createTicket(core, { ...toEdit(core, wanted), origin }, actor(wanted.requester)).id;
    },
    edit,
    comment: (id, body, how = {}) => {
      const ticket = ticketOf(core, id);
      const by = how.by === 'requester' ? ticket.userId : how.by;
      return addComment(
        core,
        ticket,
        { body, forTechsOnly: how.techsOnly ?? false, isSystem: how.system ?? false },
        actor(by),
      );
    },
    close: (id, by) => edit(id, { status: 3 }, by),
    reopen: (id, by) => edit(id, { status: 2 }, by),
    assign: (id, assignee, by) => edit(id, { assignee }, by),
    tag: (id, name, by) => edit(id, { tags: [...new Set([...ticketOf(core, id).tags, name])] }, by),
    untag: (id, name, by) =>
      edit(id, { tags: ticketOf(core, id).tags.filter((known) => known !== name) }, by),
    subscribe: (id, person) => {
      const ticket = ticketOf(core, id);
      ticket.subscriberIds.add(personId(core, person));
      touch(core, ticket, 'subscribers', actor());
    },
    merge: (id, gone, by) => mergeTickets(core, ticketOf(core, id), ticketOf(core, gone), actor(by)),
    remove: (id) => deleteTicket(core, id),
  };
}

function toEdit(core: JitbitCore, values: HumanEdit): JitbitEdit {
  const { status, category, assignee, requester, dueAt, tags, customFields, ...plain } = values;
  return {
    ...plain,
    ...(status === undefined ? {} : { statusId: named(core.state.statuses, status, 'status') }),
    ...(category === undefined ? {} : { categoryId: categoryId(core, category) }),
    ...(assignee === undefined
      ? {}
      : { assignedToUserId: assignee === null ? null : personId(core, assignee) }),
    ...(requester === undefined ? {} : { userId: personId(core, requester) }),
    ...(dueAt === undefined ? {} : { dueDate: dueAt }),
    ...(tags === undefined ? {} : { tags: [...tags] }),
    ...(customFields === undefined ? {} : { customFields: fieldValues(core, customFields) }),
  };
}

function fieldValues(core: JitbitCore, values: Readonly<Record<string, string>>): Map<number, string> {
  const names = new Map([...core.state.fields.values()].map((field) => [field.id, field.name]));
  return new Map(
    Object.entries(values).map(([field, value]) => [named(names, field, 'custom field'), value]),
  );
}

function ticketOf(core: JitbitCore, id: number): JitbitTicket {
  return core.state.tickets.get(id) ?? unknown('ticket', id);
}

function personId(core: JitbitCore, ref: PersonRef): number {
  const people = [...core.state.users.values()];
  const found = people.find((user) => user.id === ref || user.email === ref || user.username === ref);
  return found?.id ?? unknown('person', ref);
}

function categoryId(core: JitbitCore, ref: CategoryRef): number {
  const all = [...core.state.categories.values()];
  const found = all.find(
    ({ id, name, section }) => id === ref || name === ref || `${section} > ${name}` === ref,
  );
  return found?.id ?? unknown('category', ref);
}

function named(names: ReadonlyMap<number, string>, ref: number | string, what: string): number {
  const found = [...names].find(([id, name]) => id === Number(ref) || name === ref);
  return found?.[0] ?? unknown(what, ref);
}

function unknown(what: string, ref: unknown): never {
  throw new Error(`the simulated desk has no ${what} ${String(ref)}`);
}

/** One edit a random person makes; the returned text says what happened, for a failing test's message. */
export function randomEdit(core: JitbitCore, human: JitbitHuman, random: Random): string {
  const ids = [...core.state.tickets.keys()];
  if (ids.length === 0 || random.next() < 0.15) {
    const id = human.create({ subject: `Something new (${random.below(1_000_000)})` });
    return `created ${id}`;
  }
  const id = random.pick(ids);
  const category = random.pick([...core.state.categories.values()]);
  const edits: readonly [string, () => unknown][] = [
    ['priority', () => human.edit(id, { priority: random.below(4) - 1 })],
    ['status', () => human.edit(id, { status: random.pick([...core.state.statuses.keys()]) })],
    ['category', () => human.edit(id, { category: category.id })],
    ['assignee', () => human.assign(id, random.pick([null, ...category.techIds]))],
    ['subject', () => human.edit(id, { subject: `Renamed (${random.below(1_000_000)})` })],
    ['comment', () => human.comment(id, `One more thing (${random.below(1_000_000)})`, { by: 'requester' })],
    ['tag', () => human.tag(id, random.pick(['vip', 'urgent', 'onsite', 'vendor']))],
  ];
  const [what, make] = random.pick(edits);
  make();
  return `${what} of ${id}`;
}
