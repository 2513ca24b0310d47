import { describeMiss, foldName } from '../names.ts';
import type { CallContext, VendorIo } from '../vendor.ts';
import { Cached } from '../cached.ts';
import type { JitbitClient } from './client.ts';
import { TicketListRow } from './schema.ts';
import type { JitbitSettings } from './settings.ts';

export interface DeskStatus {
  readonly id: string;
  readonly name: string;
}

/**
 * Statuses: Jitbit's three, configured ones (`names.status`) and those seen in tickets. There is no list of them in
 * the API.
 */
export class JitbitStatuses {
  readonly #client: JitbitClient;
  readonly #settings: JitbitSettings;
  /** Document, "UpdateTicket". */
  readonly #seen = new Map<string, string>([
    ['1', 'New'],
    ['2', 'In process'],
    ['3', 'Closed'],
  ]);
  readonly #probe: Cached<true, CallContext>;

  constructor(client: JitbitClient, settings: JitbitSettings, io: VendorIo) {
    this.#client = client;
    this.#settings = settings;
    this.#probe = new Cached((context) => this.#probeStatuses(context), io.clock);
  }

  learn(rows: readonly Pick<TicketListRow, 'StatusID' | 'Status'>[]): void {
    for (const { StatusID, Status } of rows) {
      if (StatusID !== null && Status !== null && Status !== '') this.#seen.set(StatusID, Status);
    }
  }

  /**
   * A status by name or id: Jitbit's three, configured ones (`names.status`) and those seen in tickets. The API has
   * no list of them.
   */
  async find(name: string, context: CallContext): Promise<DeskStatus> {
    const found = this.#pick(name);
    if (found !== null) return found;
    await this.#probe.reload(context);
    const seen = this.#pick(name);
    if (seen !== null) return seen;
    const known = [...this.#names().values()];
    throw this.#client.refused(
      `${describeMiss('status', name, known)}; Jitbit lists no statuses: give its id under names.status`,
    );
  }

  /** The status that configuration maps to a phase, if it can be named to the desk. */
  async withPhase(phase: string, context: CallContext): Promise<DeskStatus | null> {
    const mapped = Object.entries(this.#settings.phases ?? {}).filter(([, to]) => to === phase);
    const [first] = mapped;
    return first === undefined ? null : this.find(first[0], context);
  }

  nameOf(id: string): string {
    return this.#names().get(id) ?? id;
  }

  #names(): ReadonlyMap<string, string> {
    return new Map([...this.#seen, ...Object.entries(this.#settings.names?.status ?? {})]);
  }

  #pick(name: string): DeskStatus | null {
    const wanted = foldName(name);
    const all = [...this.#names()];
    const found =
      all.find(([, known]) => foldName(known) === wanted) ?? all.find(([id]) => id === name.trim());
    // A renamed built-in status is still known by the name that the document gives it.
    const builtIn = [...this.#seen].find(([, known]) => foldName(known) === wanted);
    const match = found ?? builtIn;
    return match === undefined ? null : { id: match[0], name: match[1] };
  }

  /** One page of tickets shows most statuses that are in use. */
  async #probeStatuses(context: CallContext): Promise<true> {
    const { rows } = await this.#client.list('Tickets', { mode: 'all', count: 300 }, TicketListRow, context);
    this.learn(rows);
    return true;
  }
}
