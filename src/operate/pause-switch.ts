import type { Db } from '../record/database.ts';
import { readPauses, type Pauses } from '../record/operate/pauses.ts';

/**
 * What rests, because a person stopped it or the vendor asked for silence, as this process knows it: read at the start, at every notification and every round of the
 * rules' loop. Ingest goes on whatever it says.
 */
export interface PauseSwitch {
  /** True while every action is stopped. */
  all(): boolean;
  /** True while nothing may be written to this connection. */
  connection(id: number): boolean;
  refresh(): Promise<void>;
}

export async function createPauseSwitch(db: Db): Promise<PauseSwitch> {
  let pauses: Pauses = await readPauses(db);
  return {
    all: () => pauses.all !== null,
    connection: (id) => pauses.connections.has(id),
    async refresh() {
      pauses = await readPauses(db);
    },
  };
}
