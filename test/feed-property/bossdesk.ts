import { startBossDesk, type BossDesk } from '../../src/demo/simulators/bossdesk/bossdesk-desk.ts';
import { statusOf } from '../../src/demo/simulators/bossdesk/core.ts';
import { bossIds } from '../../src/demo/simulators/bossdesk/seed.ts';
import type { BossTicket } from '../../src/demo/simulators/bossdesk/state.ts';
import type { Random } from '../../src/demo/simulators/support/random.ts';
import { vendors } from '../../src/vendors/registry.ts';
import type { Look, Made, Stage, StageDesk } from './stage.ts';

/**
 * BOSSDesk: rows without stamps, microseconds behind milliseconds, more tickets with one stamp than a page has, a sort
 * that is ignored for hours, and comments that move no stamp.
 */
export const bossdeskStage: Stage = {
  name: 'bossdesk',
  vendor: vendors.bossdesk,
  // Nightly in life; here several times, so that more is asked of it, and comments have their round before the end.
  poll: { reconcile: 4 * 3_600_000 },
  // Integration reference 4.1: none is documented, 60 a minute is what we keep to.
  limit: { calls: 60, perMs: 60_000 },
  rule: [
    'id: watch',
    'name: reads what a list row does not show',
    'when: { connection: acme, tags: { has: nobody-uses-this }, description: nobody writes this }',
    'then: [{ acknowledge: {} }]',
  ].join('\n'),
  async open(clock, { tickets, random }) {
    const desk = await startBossDesk({ clock, oldTickets: false, childrenTouch: false });
    for (let index = 0; index < tickets; index++) {
      const id = desk.human.create({ title: `Old ticket ${index}` });
      if (index % 4 === 0) desk.human.close(id);
    }
    return stageDesk(desk, random);
  },
};

/** More than a page of 30. */
const MANY = 45;
/**
 * The round of open tickets begins every half an hour at most. With the budget nearly used up by changes and 800 open
 * tickets it takes two; a comment may have just missed one, and nobody goes round in the three hours without Deskhand.
 */
const ROUND_MS = 8 * 3_600_000;

function stageDesk(desk: BossDesk, random: Random): StageDesk {
  return {
    settings: { url: desk.url, key: desk.key, author: 'deskbot' },
    faults: desk.faults,
    get tickets() {
      return [...desk.state.tickets.keys()].map(String);
    },
    change() {
      if (random.next() < 0.001) desk.searchMode = random.pick(['honours', 'honours', 'ignores_sort']);
      return random.next() < 0.001 ? bulkEdit(desk, random) : change(desk, random);
    },
    look: (ticketId) => look(desk, desk.state.tickets.get(Number(ticketId))),
    onRequest: (hook) => void (desk.beforeEachRequest = hook),
    close: () => desk.close(),
  };
}

const LEVELS: ReadonlyMap<number, string> = new Map([
  [bossIds.low, 'low'],
  [bossIds.normal, 'normal'],
  [bossIds.high, 'high'],
  [bossIds.critical, 'critical'],
]);
const PHASES = { incoming: 'new', assigned: 'open', closed: 'closed' } as const;

function look(desk: BossDesk, ticket: BossTicket | undefined): Look | null {
  if (ticket === undefined) return null;
  const id = (value: number | null): string | null => (value === null ? null : String(value));
  return {
    title: ticket.title,
    priority: LEVELS.get(ticket.priorityId) ?? null,
    status: statusOf(ticket),
    phase: PHASES[statusOf(ticket)],
    category: id(ticket.categoryId),
    queue: id(ticket.teamId),
    assignee: id(ticket.agentId),
    sub_status: id(ticket.extendedStatusId),
    closed_at: ticket.closedAt === null ? null : new Date(Math.floor(ticket.closedAt / 1000)).toISOString(),
    tags: ticket.tagIds
      .map((tag) => desk.state.tags.get(tag)?.name ?? '')
      .toSorted()
      .join(),
  };
}

/** One statement changes many tickets: all get the same stamp, to the microsecond. */
function bulkEdit(desk: BossDesk, random: Random): readonly Made[] {
  const ids = random.shuffle([...desk.state.tickets.keys()]).slice(0, MANY);
  desk.human.bulkEdit(ids, { priorityId: random.pick([...desk.state.priorities.keys()]) });
  return ids.map((id) => ({ what: 'priority of many', ticketId: String(id), shownBy: 'changes' }));
}

function change({ human, state }: BossDesk, random: Random): Made {
  const ids = [...state.tickets.keys()];
  const id = random.pick(ids);
  const made = (what: string, more: Partial<Made> = {}): Made => ({
    what,
    ticketId: String(id),
    shownBy: 'changes',
    ...more,
  });
  if (random.next() < 0.08 || ids.length < 10) {
    const created = human.create({ title: `New ticket ${random.below(1_000_000)}` });
    return made('created', { ticketId: String(created), keys: [`created:${created}`] });
  }
  const isOpen = state.tickets.get(id)?.closedAt === null;
  if (isOpen && random.next() < 0.02) {
    human.remove(id);
    return made('removed', { shownBy: 'reconcile', onlyOpen: true });
  }
  const agents = [null, bossIds.nora, bossIds.ali];
  const edits: readonly (() => Made)[] = [
    () => (human.edit(id, { priorityId: random.pick([...state.priorities.keys()]) }), made('priority')),
    () => (human.edit(id, { categoryId: random.pick([...state.categories.keys()]) }), made('category')),
    () => (human.edit(id, { teamId: random.pick([...state.teams.keys()]) }), made('team')),
    () => (human.assign(id, random.pick(agents)), made('agent')),
    () => (human.edit(id, { title: `Renamed ${random.below(1_000_000)}` }), made('title')),
    () => (
      human.edit(id, { extendedStatusId: random.pick([null, ...state.extendedStatuses.keys()]) }),
      made('extended status')
    ),
    () => (
      human.edit(id, { tagIds: random.shuffle([...state.tags.keys()]).slice(0, random.below(3)) }),
      made('tags')
    ),
    () => (isOpen ? human.close(id) : human.reopen(id), made('closing')),
    () => {
      const how = random.pick([{ by: bossIds.mert }, { internal: true }, {}]);
      const commentId = human.comment(id, `<p>Comment ${random.below(1_000_000)}</p>`, how);
      const keys = [`comment:${id}:${commentId}`];
      return made('comment', { keys, shownBy: 'open', onlyOpen: true, afterMs: ROUND_MS });
    },
  ];
  return random.pick(edits)();
}
