import { afterEach, beforeEach } from 'vitest';
import type { Call } from '../src/demo/simulators/support/calls.ts';
import type { Adapter, DeskAction, PlannedWrite, Vendor } from '../src/vendors/vendor.ts';
import { ContractClock, contractContext, ContractIo, vendorFailure } from './vendor-contract.ts';

/** Actions on a simulated desk as the executor performs them, for the vendors' own tests. */

const WITHOUT_TICKET: readonly string[] = ['create_ticket', 'breaking_news'];

/** The next write of an action, after JSON: it is stored, and may be sent by another process. */
async function planOn(
  adapter: Adapter,
  ticketId: string,
  action: DeskAction,
  done: readonly string[] = [],
): Promise<PlannedWrite | null> {
  const needsNone = WITHOUT_TICKET.includes(action.action);
  const ticket = needsNone ? null : await adapter.readTicket(ticketId, new Set(), contractContext());
  if (ticket?.gone === true) throw new Error(`ticket ${ticketId} is gone`);
  const write = await adapter.nextWrite(action, ticket, new Set(done), contractContext());
  return JSON.parse(JSON.stringify(write)) as PlannedWrite | null;
}

/** Plans and sends until nothing is left. @returns what was sent */
async function performOn(
  adapter: Adapter,
  ticketId: string,
  action: DeskAction,
): Promise<readonly PlannedWrite[]> {
  const writes: PlannedWrite[] = [];
  for (;;) {
    const done = writes.map((one) => one.part);
    const write = await planOn(adapter, ticketId, action, done);
    if (write === null) return writes;
    await adapter.send(write, contractContext());
    writes.push(write);
  }
}

interface StagedDesk {
  readonly calls: { readonly all: readonly Call[] };
  close(): Promise<void>;
}

export interface ActionStageParts<Desk extends StagedDesk, Options> {
  readonly start: (clock: ContractClock, options: Partial<Options>) => Promise<Desk>;
  /** Of the connection, unless a test says others. */
  readonly settings: (desk: Desk) => Record<string, unknown>;
  /** Makes the ticket of each test. @returns its id */
  readonly create: (desk: Desk) => number;
  /** How a call that changed something is compared; null: it only read. */
  readonly tell: (call: Call) => string | null;
}

/** A simulated desk with one ticket, and an adapter on it: new ones for each test. */
export class ActionStage<Desk extends StagedDesk, Options = object> {
  declare desk: Desk;
  declare io: ContractIo;
  declare adapter: Adapter;
  declare id: number;
  readonly #vendor: Vendor;
  readonly #parts: ActionStageParts<Desk, Options>;

  /** Registers what has to happen before and after each test. */
  constructor(vendor: Vendor, parts: ActionStageParts<Desk, Options>) {
    this.#vendor = vendor;
    this.#parts = parts;
    beforeEach(() => this.#open({}, {}));
    afterEach(() => this.#close());
  }

  /** Begins again, on a desk that is otherwise, with settings besides the usual ones. */
  async reopen(options: Partial<Options>, settings: Record<string, unknown> = {}): Promise<void> {
    await this.#close();
    await this.#open(options, settings);
  }

  /** The same desk, with settings besides the usual ones. */
  async reconnect(settings: Record<string, unknown>): Promise<void> {
    await this.adapter.close();
    this.#connect(settings);
  }

  readonly plan = (action: DeskAction, done?: readonly string[]): Promise<PlannedWrite | null> =>
    planOn(this.adapter, String(this.id), action, done);

  readonly perform = (action: DeskAction): Promise<readonly PlannedWrite[]> =>
    performOn(this.adapter, String(this.id), action);

  /** The calls that changed the desk, and what they carried. */
  readonly changes = (): readonly string[] =>
    this.desk.calls.all.flatMap((call) => this.#parts.tell(call) ?? []);

  /** What an action is refused with, before anything was sent. */
  readonly refusal = async (action: DeskAction): Promise<string> => {
    const error = await vendorFailure(this.plan(action));
    if (error.reason !== 'refused' || !error.notApplied)
      throw new Error('it is no refusal', { cause: error });
    if (this.changes().length > 0) throw new Error(`refused after ${this.changes().join(', ')}`);
    return error.message;
  };

  async #open(options: Partial<Options>, settings: Record<string, unknown>): Promise<void> {
    const clock = new ContractClock();
    this.desk = await this.#parts.start(clock, options);
    this.io = new ContractIo(clock);
    this.#connect(settings);
    this.id = this.#parts.create(this.desk);
  }

  #connect(settings: Record<string, unknown>): void {
    const { connect, settings: schema, id } = this.#vendor;
    if (connect === null) throw new Error(`${id} has an API`);
    this.adapter = connect(schema.parse({ ...this.#parts.settings(this.desk), ...settings }), this.io);
  }

  async #close(): Promise<void> {
    await this.adapter.close();
    await this.desk.close();
  }
}
