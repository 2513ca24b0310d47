import type { JitbitDesk } from '../../src/demo/simulators/jitbit/jitbit-desk.ts';
import { startJitbitDesk } from '../../src/demo/simulators/jitbit/jitbit-desk.ts';
import type { JitbitTicket } from '../../src/demo/simulators/jitbit/state.ts';
import type { Random } from '../../src/demo/simulators/support/random.ts';
import { vendors } from '../../src/vendors/registry.ts';
import type { Look, Made, Stage, StageDesk } from './stage.ts';

/** Jitbit: a server zone that nobody knows, lists in changing orders, edits that do not move LastUpdated. */
export const jitbitStage: Stage = {
  name: 'jitbit',
  vendor: vendors.jitbit,
  // Nightly in life; here several times, so that more is asked of it.
  poll: { reconcile: 2 * 3_600_000 },
  // Document, "Tickets": 300 rows at most.
  pageOf: 320,
  // Document, "Rate Limiting".
  limit: { calls: 90, perMs: 60_000 },
  rule: [
    'id: watch',
    'name: reads what a list row does not show',
    'when: { connection: acme, tags: { has: nobody-uses-this }, description: nobody writes this }',
    'then: [{ acknowledge: {} }]',
  ].join('\n'),
  async open(clock, { tickets, random }) {
    const desk = await startJitbitDesk({
      clock,
      oldTickets: false,
      timeZone: 'Asia/Tokyo',
      silentEdits: ['subscribers', 'links', 'dueDate'],
      rowOrder: 'newest_first',
    });
    for (let index = 0; index < tickets; index++) {
      const id = desk.human.create({ subject: `Old ticket ${index}` });
      if (index % 4 === 0) desk.human.close(id);
    }
    return stageDesk(desk, random);
  },
};

const LEVELS: ReadonlyMap<number, string> = new Map([
  [-1, 'low'],
  [0, 'normal'],
  [1, 'high'],
  [2, 'critical'],
]);
const PHASES: ReadonlyMap<number, string> = new Map([
  [1, 'new'],
  [2, 'open'],
  [3, 'closed'],
]);
const CLOSED = 3;

/** A desk has one order; another one comes with an update of it, and not while its pages are read. */
const CHANGES_PER_ORDER = 1_000;
const ORDERS = ['newest_first', 'oldest_first', 'by_id'] as const;

function stageDesk(desk: JitbitDesk, random: Random): StageDesk {
  let changes = 0;
  let isRead = false;
  return {
    settings: { url: desk.url, token: desk.token },
    faults: desk.faults,
    get tickets() {
      return [...desk.state.tickets.keys()].map(String);
    },
    change() {
      changes += 1;
      if (!isRead) desk.rowOrder = ORDERS[Math.floor(changes / CHANGES_PER_ORDER) % ORDERS.length] ?? 'by_id';
      return change(desk, random);
    },
    look: (ticketId) => look(desk.state.tickets.get(Number(ticketId))),
    onRequest: (hook) => {
      desk.beforeEachRequest = async (call) => {
        isRead = true;
        await hook(call);
        isRead = false;
      };
    },
    close: () => desk.close(),
  };
}

function look(ticket: JitbitTicket | undefined): Look | null {
  if (ticket === undefined) return null;
  return {
    title: ticket.subject,
    description: ticket.body,
    priority: LEVELS.get(ticket.priority) ?? null,
    status: String(ticket.statusId),
    phase: PHASES.get(ticket.statusId) ?? 'open',
    category: String(ticket.categoryId),
    assignee: ticket.assignedToUserId === null ? null : String(ticket.assignedToUserId),
    tags: ticket.tags.toSorted().join(),
    due_at: ticket.dueDate === null ? null : new Date(ticket.dueDate).toISOString(),
  };
}

function change({ human, state }: JitbitDesk, random: Random): Made {
  const ids = [...state.tickets.keys()];
  const id = random.pick(ids);
  const made = (what: string, more: Partial<Made> = {}): Made => ({
    what,
    ticketId: String(id),
    shownBy: 'tickets',
    ...more,
  });
  if (random.next() < 0.08 || ids.length < 10) {
    const created = human.create({ subject: `New ticket ${random.below(1_000_000)}` });
    return made('created', { ticketId: String(created), keys: [`created:${created}`] });
  }
  const ticket = state.tickets.get(id);
  if (ticket !== undefined && ticket.statusId !== CLOSED && random.next() < 0.02) {
    human.remove(id);
    return made('removed', { shownBy: 'reconcile', onlyOpen: true });
  }
  const category = random.pick([...state.categories.values()]);
  const edits: readonly (() => Made)[] = [
    () => (human.edit(id, { priority: random.below(4) - 1 }), made('priority')),
    () => (human.edit(id, { status: random.pick([1, 2, 2, CLOSED]) }), made('status')),
    () => (human.edit(id, { category: category.id }), made('category')),
    () => (human.assign(id, random.pick([null, ...category.techIds])), made('assignee')),
    () => (human.edit(id, { subject: `Renamed ${random.below(1_000_000)}` }), made('title')),
    () => (human.edit(id, { body: `Written anew ${random.below(1_000_000)}` }), made('description')),
    () => (human.tag(id, random.pick(['vip', 'urgent', 'onsite'])), made('tag')),
    () => {
      const dueAt = random.pick([null, Date.parse('2026-12-01T09:00:00Z') + random.below(1_000) * 60_000]);
      human.edit(id, { dueAt });
      return made('due date', { shownBy: 'reconcile', onlyOpen: true });
    },
    () => {
      const how = random.pick([{ by: 'requester' }, { techsOnly: true }, {}]);
      const commentId = human.comment(id, `Comment ${random.below(1_000_000)}`, how);
      return made('comment', { keys: [`comment:${id}:${commentId}`] });
    },
  ];
  return random.pick(edits)();
}
