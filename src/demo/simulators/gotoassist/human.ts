import type { Random } from '../support/random.ts';
import { addNote, editIncident, newIncident, type GotoCore } from './core.ts';
import { gotoIds } from './seed.ts';
import type { GotoIncident, GotoNoteKind, GotoOther, GotoOtherKind } from './state.ts';

export type HumanEdit = Partial<
  Pick<
    GotoIncident,
    'title' | 'serviceId' | 'priorityId' | 'typeId' | 'categoryId' | 'assignedUserId' | 'customerId'
  >
>;

/** People working in the browser; incidents go by reference number. */
export interface GotoHuman {
  /** Returns the reference number. Defaults: service Network, priority Important, owner Nora, nobody assigned. */
  create(incident: HumanEdit & { readonly title: string }): number;
  edit(ref: number, edit: HumanEdit): void;
  note(ref: number, text: string, how?: { kind?: GotoNoteKind; by?: number; email?: string }): number;
  assign(ref: number, userId: number | null): void;
  resolve(ref: number): void;
  close(ref: number): void;
  reopen(ref: number): void;
  remove(ref: number): void;
  /** Returns the number of a new problem, change or release: a sequence of its own for each. */
  createOther(kind: GotoOtherKind, title: string): number;
  editOther(kind: GotoOtherKind, id: number, edit: OtherEdit): void;
}

export type OtherEdit = Partial<Pick<GotoOther, 'title' | 'serviceId' | 'assignedUserId' | 'closedAt'>> & {
  /** A comment to add. */
  readonly note?: string;
};

export function createHuman(core: GotoCore): GotoHuman {
  const { nora } = gotoIds;
  const find = (ref: number): GotoIncident => {
    const found = core.state.incidents.get(ref);
    if (found === undefined) throw new Error(`the simulated desk has no incident ${ref}`);
    return found;
  };
  const edit = (ref: number, values: Partial<GotoIncident>): void =>
    editIncident(core, find(ref), values, nora);
  const open = { closedAt: null, closedById: null, closureCode: null, resolvedAt: null, resolvedById: null };
  return {
    create: (values) => {
      const at = core.clock.now();
      const usual = { serviceId: gotoIds.network, priorityId: gotoIds.normal, customerId: gotoIds.mert };
      return newIncident(core.state, at, { ...usual, ownerId: nora, openedAt: at, ...values }).referenceNum;
    },
    edit,
    note: (ref, text, how = {}) => {
      const userId = how.email === undefined ? (how.by ?? nora) : null;
      const note = { kind: how.kind ?? 'comment', note: text, userId, externalEmail: how.email ?? '' };
      return addNote(core, find(ref), note).id;
    },
    assign: (ref, assignedUserId) => edit(ref, { assignedUserId }),
    resolve: (ref) => edit(ref, { resolvedAt: core.clock.now(), resolvedById: nora }),
    close: (ref) =>
      edit(ref, { closedAt: core.clock.now(), closedById: nora, closureCode: 0, closureComment: 'done' }),
    reopen: (ref) => edit(ref, open),
    remove: (ref) => void core.state.incidents.delete(find(ref).referenceNum),
    createOther: (kind, title) => {
      const { others } = core.state;
      const id = [...others.values()].filter((one) => one.kind === kind).length + 1;
      const at = core.clock.now();
      const usual = { serviceId: gotoIds.network, assignedUserId: null, closedAt: null, notes: [] };
      others.set(`${kind}-${id}`, { kind, id, title, createdAt: at, lastActiveAt: at, ...usual });
      return id;
    },
    editOther: (kind, id, { note, ...values }) => {
      const other = core.state.others.get(`${kind}-${id}`);
      if (other === undefined) throw new Error(`the simulated desk has no ${kind} ${id}`);
      const createdAt = core.clock.now();
      Object.assign(other, values, { lastActiveAt: createdAt });
      if (note === undefined) return;
      const usual = { kind: 'comment', userId: nora, externalEmail: '' } as const;
      other.notes.push({ id: core.state.nextId++, note, createdAt, ...usual });
    },
  };
}

/** One edit a random person makes; says what happened. */
export function randomEdit(core: GotoCore, human: GotoHuman, random: Random): string {
  const refs = [...core.state.incidents.keys()];
  if (refs.length === 0 || random.next() < 0.15) {
    return `created ${human.create({ title: `Something new (${random.below(1_000_000)})` })}`;
  }
  const ref = random.pick(refs);
  const service = core.state.services.get(core.state.incidents.get(ref)?.serviceId ?? 0);
  const edits: readonly [string, () => unknown][] = [
    ['priority', () => human.edit(ref, { priorityId: random.pick(service?.priorities ?? []).id })],
    ['title', () => human.edit(ref, { title: `Renamed (${random.below(1_000_000)})` })],
    ['assignee', () => human.assign(ref, random.pick([null, gotoIds.nora, gotoIds.ali]))],
    [
      'note',
      () => human.note(ref, `One more thing (${random.below(1_000_000)})`, { email: 'mert@acme.com' }),
    ],
    ['closing', () => (random.next() < 0.5 ? human.close(ref) : human.reopen(ref))],
  ];
  const [what, make] = random.pick(edits);
  make();
  return `${what} of ${ref}`;
}
