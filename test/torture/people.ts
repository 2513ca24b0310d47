import type { AnyDesk } from './all-desks.ts';

/** A new ticket at each desk every two seconds, and a look at what became of the others. */
export interface People {
  start(): void;
  /** What became of the tickets of some desks made in a span; those without a comment yet count as they stand. */
  delaysOf(desks: readonly AnyDesk[], from: number, to?: number): readonly number[];
  /** True when every ticket of a desk made before then has its comment. */
  allDone(desk: AnyDesk, before: number): boolean;
  /** True when a ticket of a desk that was made in this span has its comment. */
  anyDone(desk: AnyDesk, from: number, to: number): boolean;
  /** How many comments each ticket of some desks got. */
  countsOf(desks: readonly AnyDesk[]): readonly number[];
  /** No more new tickets. */
  stop(): void;
  close(): void;
}

interface Ticket {
  readonly desk: AnyDesk;
  readonly id: number;
  readonly madeAt: number;
  doneAt: number | null;
}

const EVERY_MS = 2_000;

/** All moments are those of `performance.now()`, delays are from a ticket to its comment, ms. */
export function watchTickets(desks: readonly AnyDesk[]): People {
  const tickets: Ticket[] = [];
  let making: NodeJS.Timeout | undefined;
  const make = (): void => {
    for (const desk of desks)
      tickets.push({
        desk,
        id: desk.create(`torture ${tickets.length}`),
        madeAt: performance.now(),
        doneAt: null,
      });
  };
  const look = (): void => {
    for (const ticket of tickets)
      if (ticket.doneAt === null && ticket.desk.ownComments(ticket.id) > 0) ticket.doneAt = performance.now();
  };
  const looking = setInterval(look, 50);
  return {
    delaysOf: (some, from, to = Infinity) =>
      tickets
        .filter(({ desk, madeAt }) => some.includes(desk) && madeAt >= from && madeAt < to)
        .map(({ madeAt, doneAt }) => (doneAt ?? performance.now()) - madeAt),
    allDone: (one, before) =>
      tickets.every(({ desk, madeAt, doneAt }) => desk !== one || madeAt >= before || doneAt !== null),
    anyDone: (one, from, to) =>
      tickets.some(
        ({ desk, madeAt, doneAt }) => desk === one && madeAt >= from && madeAt < to && doneAt !== null,
      ),
    countsOf: (some) =>
      tickets.filter(({ desk }) => some.includes(desk)).map(({ desk, id }) => desk.ownComments(id)),
    start: () => void (making = setInterval(make, EVERY_MS)),
    stop: () => clearInterval(making),
    close: () => {
      clearInterval(making);
      clearInterval(looking);
    },
  };
}

/** Comments every ticket of {@link watchTickets}, once. */
export const TAKE = `
id: take
name: Take it
on: [ticket.created]
when: { title: { starts_with: torture } }
then:
  - comment: { text: "Taken: {{ ticket.title }}" }
`;

/** `deskhand.yaml` with one connection per desk. */
export function configOf(desks: readonly AnyDesk[]): string {
  return `connections:\n${desks.map(({ name, connection }) => `  ${name}: ${connection}\n`).join('')}`;
}
