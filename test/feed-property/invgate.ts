import { startInvgateDesk, type InvgateDesk } from '../../src/demo/simulators/invgate/invgate-desk.ts';
import { invgateIds } from '../../src/demo/simulators/invgate/seed.ts';
import type { InvgateRequest } from '../../src/demo/simulators/invgate/state.ts';
import type { Random } from '../../src/demo/simulators/support/random.ts';
import { vendors } from '../../src/vendors/registry.ts';
import type { Look, Made, Stage, StageDesk } from './stage.ts';

/**
 * InvGate: stamps of whole seconds, comments and custom fields that move no stamp, feeds that forget after an hour.
 * With a saved view in small pages and newer answers; without one by sweeps and in older answers.
 */
export const invgateStages: readonly Stage[] = [stageOf('invgate', true), stageOf('invgate-sweep', false)];

/** With a view, all requests that are not finished are read every 10 min; the poll is every 3 min. */
const SWEEP_MS = 15 * 60_000;
/** A request that leaves the last hour moves the others a place forward, past a page's end: the next poll has them. */
const SHIFT_MS = 3 * 60_000;
const HOUR_MS = 3_600_000;
const CLOSED = 6;

function stageOf(name: string, hasView: boolean): Stage {
  return {
    name,
    vendor: vendors.invgate,
    // Integration reference 2.1: none is documented, 120 a minute is what we keep to.
    limit: { calls: 120, perMs: 60_000 },
    rule: [
      'id: watch',
      'name: watches',
      'when: { connection: acme, description: nobody writes this }',
      'then: [{ acknowledge: {} }]',
    ].join('\n'),
    async open(clock, { tickets, random }) {
      const desk = await startInvgateDesk({
        clock,
        oldRequests: false,
        envelope: hasView ? 'new' : 'old',
        viewPageSize: 20,
        hourPageSize: 10,
      });
      for (let index = 0; index < tickets; index++) {
        const id = desk.human.create({ title: `Old request ${index}` });
        if (index % 4 === 0) desk.human.close(id);
      }
      return stageDesk(desk, random, hasView);
    },
  };
}

function stageDesk(desk: InvgateDesk, random: Random, hasView: boolean): StageDesk {
  const view = hasView ? { view_id: invgateIds.view } : {};
  return {
    settings: { url: desk.url, key: desk.key, author: 'deskbot', ...view },
    faults: desk.faults,
    get tickets() {
      return [...desk.state.requests.keys()].map(String);
    },
    change: () => change(desk, random, hasView),
    look: (ticketId) => look(desk.state.requests.get(Number(ticketId))),
    onRequest: (hook) => void (desk.beforeEachRequest = hook),
    close: () => desk.close(),
  };
}

const LEVELS = ['low', 'normal', 'high', 'urgent', 'critical'];
const PHASES = ['new', 'open', 'open', 'waiting', 'resolved', 'closed', 'rejected', 'cancelled'];

function look(request: InvgateRequest | undefined): Look | null {
  if (request === undefined) return null;
  const time = (at: number | null): string | null => (at === null ? null : new Date(at * 1000).toISOString());
  return {
    title: request.title,
    description: request.description,
    priority: LEVELS[request.priorityId - 1] ?? null,
    type: String(request.typeId),
    status: String(request.statusId),
    phase: PHASES[request.statusId - 1] ?? 'unknown',
    category: String(request.categoryId),
    queue: String(request.assignedGroupId),
    assignee: request.assignedId === null ? null : String(request.assignedId),
    resolved_at: time(request.solvedAt),
    closed_at: time(request.closedAt),
    'custom.Floor': request.customFields.get(invgateIds.floor)?.[0] ?? null,
  };
}

function change({ human, state }: InvgateDesk, random: Random, hasView: boolean): Made {
  const ids = [...state.requests.keys()];
  const id = random.pick(ids);
  const request = state.requests.get(id);
  // Without a view a finished request is looked at no more until it is opened again.
  const made = (what: string, more: Partial<Made> = {}): Made => ({
    what,
    ticketId: String(id),
    shownBy: 'updated',
    onlyOpen: !hasView,
    ...more,
  });
  const swept = { onlyOpen: true, afterMs: hasView ? SWEEP_MS : 0 };
  if (random.next() < 0.08 || ids.length < 10 || request === undefined) {
    const created = human.create({ title: `New <request> & ${random.below(1_000_000)}` });
    const keys = [`created:${created}`];
    const shown = { shownBy: 'created', onlyOpen: false, afterMs: SHIFT_MS };
    return made('created', { ticketId: String(created), ...shown, keys });
  }
  if (request.statusId < CLOSED && random.next() < 0.02) {
    human.remove(id);
    return made('removed', swept);
  }
  const helpdesk = random.pick([...state.helpdesks.values()]);
  const edits: readonly (() => Made)[] = [
    () => (human.edit(id, { priorityId: random.below(5) + 1 }), made('priority')),
    () => (human.edit(id, { typeId: random.below(5) + 1 }), made('type')),
    () => (human.edit(id, { title: `Renamed "${random.below(1_000_000)}"` }), made('title')),
    () => (human.edit(id, { description: `Written anew ${random.below(1_000_000)}` }), made('description')),
    () => (human.edit(id, { categoryId: random.pick(state.categories).id }), made('category')),
    () => (human.assign(id, helpdesk.id, random.pick(helpdesk.memberIds)), made('help desk')),
    () => (human.status(id, random.pick([2, 2, 3, 4, 5, CLOSED, 7, 8])), made('status')),
    () => {
      request.customFields.set(invgateIds.floor, [String(random.below(40))]);
      return made('custom field', swept);
    },
    () => {
      const how = random.pick([{ by: invgateIds.mert }, { internal: true }, {}]);
      const comment = human.comment(id, `Comment ${random.below(1_000_000)}`, how);
      return made('comment', { ...swept, keys: [`comment:${id}:${comment}`] });
    },
    () => {
      const execution = human.fireTrigger(random.pick([...state.triggers.keys()]), id);
      const keys = [`trigger:${execution}`];
      return made('trigger', { shownBy: 'triggers', onlyOpen: false, keys, windowMs: HOUR_MS });
    },
  ];
  return random.pick(edits)();
}
