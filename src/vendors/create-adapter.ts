import type { VendorError } from '../errors.ts';
import type {
  Adapter,
  CallContext,
  Child,
  DeskAction,
  FeedPage,
  FeedPosition,
  Needs,
  PlannedWrite,
  SelfTest,
  SendResult,
  TicketRead,
  TicketRow,
} from './vendor.ts';

/**
 * An adapter out of functions over one reader, the vendor's client with what it needs beside it, and a table of plans.
 * An action that is not in the table is refused.
 */

/** What reading and writing one desk works with; vendors add lookups, mapping and whatever else. */
interface ReaderOfDesk {
  readonly client: { refused(message: string): VendorError; close(): Promise<void> };
}

/** What planning a write works with. */
export interface Planning<Reader> {
  readonly reader: Reader;
  readonly context: CallContext;
  /** Parts of this step that were sent and confirmed before. */
  readonly done: ReadonlySet<string>;
}

export type OpenTicket = TicketRead & { readonly gone: false };

type Planned = PlannedWrite | null | Promise<PlannedWrite | null>;
type ActionOf<Name> = DeskAction & { readonly action: Name };
type WithoutTicket = 'create_ticket' | 'breaking_news';
type OnTicket = Exclude<DeskAction['action'], WithoutTicket>;

/** How each action that the vendor's API has becomes its next write, or null when nothing is left to do. */
export type Plans<Planner> = {
  readonly [Name in OnTicket]?: (action: ActionOf<Name>, ticket: OpenTicket, planner: Planner) => Planned;
} & {
  readonly [Name in WithoutTicket]?: (action: ActionOf<Name>, planner: Planner) => Planned;
};

export interface AdapterParts<Reader, Planner> {
  /** The vendor's name as people write it. */
  readonly name: string;
  readonly selfTest: (reader: Reader, context: CallContext) => Promise<SelfTest>;
  readonly readPage: (
    reader: Reader,
    feed: string,
    position: FeedPosition,
    needs: Needs,
    context: CallContext,
  ) => Promise<FeedPage>;
  readonly readChanged: (
    reader: Reader,
    rows: readonly TicketRow[],
    needs: Needs,
    context: CallContext,
  ) => Promise<readonly TicketRead[]>;
  readonly readTicket: (
    reader: Reader,
    ticketId: string,
    needs: Needs,
    context: CallContext,
  ) => Promise<TicketRead>;
  /** What the plans of this vendor get: the planning, and more where they want more. */
  readonly planner: (planning: Planning<Reader>) => Planner | Promise<Planner>;
  readonly plans: Plans<Planner>;
  readonly send: (reader: Reader, write: PlannedWrite, context: CallContext) => Promise<SendResult>;
  readonly listChildren: (
    reader: Reader,
    write: PlannedWrite,
    context: CallContext,
  ) => Promise<readonly Child[] | null>;
}

export function createAdapter<Reader extends ReaderOfDesk, Planner>(
  reader: Reader,
  parts: AdapterParts<Reader, Planner>,
): Adapter {
  return {
    selfTest: (context) => parts.selfTest(reader, context),
    readPage: (...asked) => parts.readPage(reader, ...asked),
    readChanged: (...asked) => parts.readChanged(reader, ...asked),
    readTicket: (...asked) => parts.readTicket(reader, ...asked),
    async nextWrite(action, ticket, done, context) {
      const refused = (why: string): VendorError => reader.client.refused(`${action.action}: ${why}`);
      // The table pairs each action with its plan, which TypeScript cannot follow through a lookup.
      const plan = parts.plans[action.action] as
        ((action: DeskAction, ...rest: readonly unknown[]) => Planned) | undefined;
      if (plan === undefined) throw refused(`not in ${parts.name}'s API`);
      const planner = await parts.planner({ reader, context, done });
      if (action.action === 'create_ticket' || action.action === 'breaking_news')
        return plan(action, planner);
      if (ticket === null) throw refused('there is no ticket');
      return plan(action, ticket, planner);
    },
    send: (write, context) => parts.send(reader, write, context),
    listChildren: (write, context) => parts.listChildren(reader, write, context),
    close: () => reader.client.close(),
  };
}
