import type { TicketRow, VendorIo } from '../vendor.ts';
import type { InvgateClient } from './client.ts';
import type { Found } from './incidents.ts';
import type { InvgateLookups } from './lookups.ts';
import type { Mapping } from './map.ts';

/** What reading and writing one desk works with. */
export interface Reader {
  readonly client: InvgateClient;
  readonly lookups: InvgateLookups;
  readonly mapping: Mapping;
  readonly io: VendorIo;
  /** The saved view for the update feed; null: sweeps by status. */
  readonly viewId: string | null;
  /** Rows of pages that were read with everything in them, comments included. */
  readonly whole: WeakMap<TicketRow, Found>;
}
