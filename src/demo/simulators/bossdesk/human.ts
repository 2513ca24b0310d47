import type { Random } from '../support/random.ts';
import { addComment, editTicket, micros, newTicket, type BossCore } from './core.ts';
import { bossIds } from './seed.ts';
import type { BossTicket } from './state.ts';

/** What a person can type into the form; ids are internal ones, tickets go by friendly id. */
export type HumanEdit = Partial<
  Pick<
    BossTicket,
    | 'title'
    | 'description'
    | 'typeId'
    | 'priorityId'
    | 'categoryId'
    | 'extendedStatusId'
    | 'requesterId'
    | 'teamId'
    | 'agentId'
    | 'tagIds'
    | 'dueAt'
  >
>;

/** People working in the browser: not limited, logged or subject to faults. */
export interface BossHuman {
  /** Returns the new ticket's friendly id. */
  create(ticket: HumanEdit & { readonly title: string }): number;
  edit(friendlyId: number, edit: HumanEdit): void;
  /** Changes many tickets in one statement: all get the same `updated_at`, to the microsecond. */
  bulkEdit(friendlyIds: readonly number[], edit: HumanEdit): void;
  comment(friendlyId: number, body: string, how?: { by?: number; internal?: boolean }): number;
  assign(friendlyId: number, agentId: number | null): void;
  close(friendlyId: number): void;
  reopen(friendlyId: number): void;
  remove(friendlyId: number): void;
}

export function createHuman(core: BossCore): BossHuman {
  const find = (friendlyId: number): BossTicket => {
    const found = core.state.tickets.get(friendlyId);
    if (found === undefined) throw new Error(`the simulated desk has no ticket ${friendlyId}`);
    return found;
  };
  const edit = (friendlyId: number, values: Partial<BossTicket>): void =>
    void editTicket(core, find(friendlyId), values);
  return {
    create: (values) => {
      const usual = { typeId: bossIds.incident, priorityId: bossIds.normal, requesterId: bossIds.mert };
      return newTicket(core.state, micros(core), {
        ...usual,
        description: `<p>${values.title}</p>`,
        ...values,
      }).friendlyId;
    },
    edit,
    bulkEdit: (friendlyIds, values) => {
      const at = micros(core);
      for (const id of friendlyIds) editTicket(core, find(id), values, at);
    },
    comment: (friendlyId, body, how = {}) => {
      const createdById = how.by ?? bossIds.nora;
      const isPublic = how.internal !== true;
      return addComment(core, find(friendlyId), { body, isPublic, createdById, source: 'web_portal' });
    },
    assign: (friendlyId, agentId) => edit(friendlyId, { agentId }),
    close: (friendlyId) => edit(friendlyId, { closedAt: micros(core) }),
    reopen: (friendlyId) => edit(friendlyId, { closedAt: null }),
    remove: (friendlyId) => void core.state.tickets.delete(find(friendlyId).friendlyId),
  };
}

/** One edit a random person makes; says what happened. */
export function randomEdit(core: BossCore, human: BossHuman, random: Random): string {
  const ids = [...core.state.tickets.keys()];
  if (ids.length === 0 || random.next() < 0.15) {
    return `created ${human.create({ title: `Something new (${random.below(1_000_000)})` })}`;
  }
  const id = random.pick(ids);
  const edits: readonly [string, () => unknown][] = [
    ['priority', () => human.edit(id, { priorityId: random.pick([...core.state.priorities.keys()]) })],
    ['title', () => human.edit(id, { title: `Renamed (${random.below(1_000_000)})` })],
    ['team', () => human.edit(id, { teamId: random.pick([...core.state.teams.keys()]) })],
    ['agent', () => human.assign(id, random.pick([null, bossIds.nora, bossIds.ali]))],
    [
      'tags',
      () => human.edit(id, { tagIds: random.shuffle([...core.state.tags.keys()]).slice(0, random.below(3)) }),
    ],
    [
      'comment',
      () => human.comment(id, `<p>One more thing (${random.below(1_000_000)})</p>`, { by: bossIds.mert }),
    ],
    ['closing', () => (random.next() < 0.5 ? human.close(id) : human.reopen(id))],
  ];
  const [what, make] = random.pick(edits);
  make();
  return `${what} of ${id}`;
}
