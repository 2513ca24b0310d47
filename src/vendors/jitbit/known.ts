import type { Category, Named, Person } from '../../ticket.ts';

/** A category with the section it stands in, which is our queue. */
export interface KnownCategory extends Category {
  readonly id: string;
  readonly name: string;
  readonly path: string;
  readonly section: Named | null;
}

/** What the lookups know at this moment. */
export interface Known {
  readonly categories: ReadonlyMap<string, KnownCategory>;
  /** Technicians by user id; null when the list cannot be read or was not needed yet. */
  readonly agents: ReadonlyMap<string, Person> | null;
}

export const NOTHING_KNOWN: Known = { categories: new Map(), agents: null };
