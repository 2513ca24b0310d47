import type { Random } from '../support/random.ts';
import {
  addComment,
  addRequest,
  editRequest,
  fireTrigger,
  reassign,
  setStatus,
  type InvgateCore,
  type RequestEdit,
} from './core.ts';
import { invgateIds } from './seed.ts';
import type { InvgateRequest } from './state.ts';

export interface HumanRequest extends RequestEdit {
  readonly title: string;
  readonly helpdeskId?: number;
}

/** People working in the browser: not limited, logged or subject to faults. */
export interface InvgateHuman {
  /** Returns the new request's id. Defaults: category Network, customer Mert, priority Medium, type Incident. */
  create(request: HumanRequest): number;
  edit(id: number, edit: RequestEdit): void;
  comment(id: number, message: string, how?: { by?: number; internal?: boolean; solution?: boolean }): number;
  assign(id: number, helpdeskId: number, agentId?: number | null): void;
  /** Any status: 1 new … 8 cancelled. */
  status(id: number, statusId: number): void;
  close(id: number): void;
  remove(id: number): void;
  /** A trigger of the administrator runs on a request; returns the execution's id. */
  fireTrigger(triggerId: number, requestId: number): number;
}

export function createHuman(core: InvgateCore): InvgateHuman {
  const find = (id: number): InvgateRequest => {
    const found = core.state.requests.get(id);
    if (found === undefined) throw new Error(`the simulated desk has no request ${id}`);
    return found;
  };
  return {
    create: ({ helpdeskId = invgateIds.serviceDesk, ...values }) => {
      const people = { userId: invgateIds.mert, creatorId: invgateIds.mert };
      const kind = { priorityId: 2, typeId: 1, categoryId: invgateIds.network, assignedGroupId: helpdeskId };
      const row = addRequest(core, { ...people, ...kind, description: values.title, ...values });
      return row.id;
    },
    edit: (id, edit) => editRequest(core, find(id), edit),
    comment: (id, message, how = {}) =>
      addComment(core, find(id), {
        message,
        authorId: how.by ?? invgateIds.nora,
        customerVisible: how.internal !== true,
        isSolution: how.solution ?? false,
      }),
    assign: (id, helpdeskId, agentId = null) => reassign(core, find(id), helpdeskId, agentId),
    status: (id, statusId) => setStatus(core, find(id), statusId),
    close: (id) => setStatus(core, find(id), 6),
    remove: (id) => void core.state.requests.delete(find(id).id),
    fireTrigger: (triggerId, requestId) => fireTrigger(core, triggerId, requestId),
  };
}

/** One edit a random person makes; says what happened. */
export function randomEdit(core: InvgateCore, human: InvgateHuman, random: Random): string {
  const ids = [...core.state.requests.keys()];
  if (ids.length === 0 || random.next() < 0.15) {
    return `created ${human.create({ title: `Something new (${random.below(1_000_000)})` })}`;
  }
  const id = random.pick(ids);
  const helpdesk = random.pick([...core.state.helpdesks.values()]);
  const edits: readonly [string, () => unknown][] = [
    ['priority', () => human.edit(id, { priorityId: random.below(5) + 1 })],
    ['title', () => human.edit(id, { title: `Renamed (${random.below(1_000_000)})` })],
    ['helpdesk', () => human.assign(id, helpdesk.id, random.pick(helpdesk.memberIds))],
    ['status', () => human.status(id, random.below(8) + 1)],
    [
      'comment',
      () => human.comment(id, `One more thing (${random.below(1_000_000)})`, { by: invgateIds.mert }),
    ],
    ['trigger', () => human.fireTrigger(invgateIds.slaTrigger, id)],
  ];
  const [what, make] = random.pick(edits);
  make();
  return `${what} of ${id}`;
}
