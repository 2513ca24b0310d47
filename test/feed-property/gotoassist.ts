import { priorityOf, statusOf } from '../../src/demo/simulators/gotoassist/core.ts';
import { startGotoDesk, type GotoDesk } from '../../src/demo/simulators/gotoassist/gotoassist-desk.ts';
import { gotoIds } from '../../src/demo/simulators/gotoassist/seed.ts';
import type { GotoIncident } from '../../src/demo/simulators/gotoassist/state.ts';
import type { Random } from '../../src/demo/simulators/support/random.ts';
import { vendors } from '../../src/vendors/registry.ts';
import type { Look, Made, Stage, StageDesk } from './stage.ts';

/**
 * GoToAssist: a list whose direction turns round, stamps of whole seconds, rows wrapped or bare, and so few calls an
 * hour that walks wait for the next one; the desk allows fewer than we do and says so by E902.
 */
export const gotoassistStage: Stage = {
  name: 'gotoassist',
  vendor: vendors.gotoassist,
  // The ceiling of the budget that adapts; the desk itself allows 150 in a clock hour.
  limit: { calls: 240, perMs: 3_600_000 },
  pauseMs: 90_000,
  rule: [
    'id: watch',
    'name: watches',
    'when: { connection: acme, description: nobody writes this }',
    'then: [{ acknowledge: {} }]',
  ].join('\n'),
  async open(clock, { tickets, random }) {
    const desk = await startGotoDesk({ clock, oldIncidents: false, perHour: 150, maxLimit: 40 });
    for (let index = 0; index < tickets; index++) {
      const ref = desk.human.create({ title: `Old incident ${index}` });
      if (index % 4 === 0) desk.human.close(ref);
    }
    return stageDesk(desk, random);
  },
};

function stageDesk(desk: GotoDesk, random: Random): StageDesk {
  return {
    settings: { url: desk.url, token: desk.token, report_id: gotoIds.report, author: gotoIds.deskbot },
    faults: desk.faults,
    get tickets() {
      return [...desk.state.incidents.keys()].map(String);
    },
    change() {
      if (random.next() < 0.002) desk.direction = random.pick(['asc', 'desc']);
      if (random.next() < 0.01) desk.rows = random.pick(['bare', 'wrapped']);
      return change(desk, random);
    },
    look: (ticketId) => look(desk, desk.state.incidents.get(Number(ticketId))),
    onRequest: (hook) => void (desk.beforeEachRequest = hook),
    close: () => desk.close(),
  };
}

/** By level, 1 the most urgent. */
const LEVELS = ['critical', 'urgent', 'high', 'normal'];

function look(desk: GotoDesk, incident: GotoIncident | undefined): Look | null {
  if (incident === undefined) return null;
  const id = (value: number | null): string | null => (value === null ? null : String(value));
  // Whole seconds are shown.
  const stamp = (at: number | null): string | null =>
    at === null ? null : new Date(Math.floor(at / 1000) * 1000).toISOString();
  return {
    title: incident.title,
    priority: LEVELS[(priorityOf(desk.state, incident)?.level ?? 0) - 1] ?? null,
    status: statusOf(incident),
    phase: statusOf(incident).toLowerCase(),
    category: id(incident.categoryId),
    type: id(incident.typeId),
    queue: id(incident.serviceId),
    assignee: id(incident.assignedUserId),
    requester: id(incident.customerId),
    due_at: stamp(incident.dueDate),
    resolved_at: stamp(incident.resolvedAt),
    closed_at: stamp(incident.closedAt),
  };
}

function change({ human, state }: GotoDesk, random: Random): Made {
  const refs = [...state.incidents.keys()];
  const ref = random.pick(refs);
  const made = (what: string, more: Partial<Made> = {}): Made => ({
    what,
    ticketId: String(ref),
    shownBy: 'incidents',
    ...more,
  });
  if (random.next() < 0.08 || refs.length < 10) {
    const created = human.create({ title: `New incident ${random.below(1_000_000)}` });
    return made('created', { ticketId: String(created), keys: [`created:${created}`] });
  }
  const incident = state.incidents.get(ref);
  const { priorities = [], categories = [], types = [] } = state.services.get(incident?.serviceId ?? 0) ?? {};
  const services = [...state.services.values()];
  const edits: readonly (() => Made)[] = [
    () => (human.edit(ref, { priorityId: random.pick(priorities).id }), made('priority')),
    () => (human.edit(ref, { categoryId: random.pick(categories).id }), made('category')),
    () => (human.edit(ref, { typeId: random.pick(types).id }), made('type')),
    () => (
      human.assign(ref, random.pick([null, gotoIds.nora, gotoIds.ali, gotoIds.group])),
      made('assignee')
    ),
    () => (human.edit(ref, { title: `Renamed ${random.below(1_000_000)}` }), made('title')),
    () => {
      const service = random.pick(services);
      const priorityId = random.pick(service.priorities).id;
      human.edit(ref, { serviceId: service.id, priorityId, categoryId: null, typeId: null });
      return made('service');
    },
    () => {
      if (statusOf(incident ?? missing(ref)) !== 'Open') human.reopen(ref);
      else if (random.next() < 0.5) human.close(ref);
      else human.resolve(ref);
      return made('status');
    },
    () => {
      const kind = random.pick(['comment', 'comment', 'resolution'] as const);
      const note = human.note(ref, `Note ${random.below(1_000_000)}`, { kind });
      const prefix = kind === 'resolution' ? 'resolution:' : '';
      return made(kind, { keys: [`comment:${ref}:${prefix}${note}`] });
    },
  ];
  return random.pick(edits)();
}

function missing(ref: number): never {
  throw new Error(`there is no incident ${ref}`);
}
