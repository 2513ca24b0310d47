import type { Database } from '../../src/record/database.ts';

/** The process was killed here. */
export class Killed extends Error {
  override readonly name = 'Killed';
}

/**
 * A process's way to its database that can be cut at any point: before a statement, before a commit, right after
 * one. From then on nothing of that process reaches the database.
 */
export interface Mortal {
  readonly database: Database;
  readonly dead: boolean;
  /** Dies at the `steps`-th point from now on. */
  killAfter(steps: number): void;
}

export function mortal(database: Database): Mortal {
  let left = Number.POSITIVE_INFINITY;
  let dead = false;
  const point = (): void => {
    left -= 1;
    if (left <= 0) dead = true;
    if (dead) throw new Killed('killed');
  };
  return {
    get dead() {
      return dead;
    },
    killAfter: (steps) => void (left = steps),
    database: {
      ...database,
      get db(): Database['db'] {
        point();
        return database.db;
      },
      transaction: async (work) => {
        point();
        const result = await database.transaction(async (tx) => {
          const done = await work(tx);
          point();
          return done;
        });
        point();
        return result;
      },
    },
  };
}
