import type { Random } from '../support/random.ts';
import { addComment, editTicket, micros, newTicket, touch, type BossCore } from './core.ts';
import { bossIds } from './seed.ts';
import type { BossApproval, BossTask, BossTicket } from './state.ts';

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
  /** Returns the task's id. */
  addTask(friendlyId: number, title: string): number;
  closeTask(friendlyId: number, taskId: number): void;
  /** Returns the approval request's id. */
  askApproval(friendlyId: number, userId: number): number;
  answerApproval(friendlyId: number, approvalId: number, status: string, comment?: string): void;
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
    ...childrenOf(core, find),
    assign: (friendlyId, agentId) => edit(friendlyId, { agentId }),
    close: (friendlyId) => edit(friendlyId, { closedAt: micros(core) }),
    reopen: (friendlyId) => edit(friendlyId, { closedAt: null }),
    remove: (friendlyId) => void core.state.tickets.delete(find(friendlyId).friendlyId),
  };
}

type Children = Pick<BossHuman, 'addTask' | 'closeTask' | 'askApproval' | 'answerApproval'>;

function childrenOf(core: BossCore, find: (friendlyId: number) => BossTicket): Children {
  const nobody = { typeId: null, teamId: null, agentId: null, dueAt: null };
  return {
    addTask: (friendlyId, title) => {
      const ticket = find(friendlyId);
      const made = { id: core.state.nextId++, createdAt: micros(core), createdById: bossIds.nora };
      ticket.tasks.push({ ...nobody, ...made, title, note: '', closedAt: null });
      touch(core, ticket);
      return made.id;
    },
    closeTask: (friendlyId, taskId) => {
      const ticket = find(friendlyId);
      const task: BossTask = idIn(ticket.tasks, taskId);
      task.closedAt = micros(core);
      touch(core, ticket);
    },
    askApproval: (friendlyId, userId) => {
      const ticket = find(friendlyId);
      const made = { id: core.state.nextId++, createdAt: micros(core), userId };
      ticket.approvals.push({ ...made, status: 'sent', comment: null, respondedAt: null });
      touch(core, ticket);
      return made.id;
    },
    answerApproval: (friendlyId, approvalId, status, comment) => {
      const ticket = find(friendlyId);
      const approval: BossApproval = idIn(ticket.approvals, approvalId);
      Object.assign(approval, { status, comment: comment ?? null, respondedAt: micros(core) });
      touch(core, ticket);
    },
  };
}

function idIn<T extends { readonly id: number }>(rows: readonly T[], id: number): T {
  const found = rows.find((row) => row.id === id);
  if (found === undefined) throw new Error(`the simulated desk has no ${id}`);
  return found;
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
    ['task', () => workOnTask(core, human, random, id)],
    ['approval', () => workOnApproval(core, human, random, id)],
    ['closing', () => (random.next() < 0.5 ? human.close(id) : human.reopen(id))],
  ];
  const [what, make] = random.pick(edits);
  make();
  return `${what} of ${id}`;
}

/** Closes the ticket's first open task, or adds one. */
function workOnTask(core: BossCore, human: BossHuman, random: Random, id: number): void {
  const open = core.state.tickets.get(id)?.tasks.find((task) => task.closedAt === null);
  if (open === undefined) human.addTask(id, `To do (${random.below(1_000_000)})`);
  else human.closeTask(id, open.id);
}

/** Answers the ticket's first open approval request, or sends one. */
function workOnApproval(core: BossCore, human: BossHuman, random: Random, id: number): void {
  const open = core.state.tickets.get(id)?.approvals.find((approval) => approval.respondedAt === null);
  if (open === undefined) human.askApproval(id, bossIds.ceo);
  else human.answerApproval(id, open.id, random.pick(['approved', 'rejected']));
}
