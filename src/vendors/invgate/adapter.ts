import { createDateParser } from '../http/dates.ts';
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
  VendorIo,
} from '../vendor.ts';
import { Author } from './author.ts';
import { createInvgateClient } from './client.ts';
import { readPage } from './feeds.ts';
import { InvgateLookups } from './lookups.ts';
import { listChildren, send } from './perform.ts';
import { commentWrite, planCreate, planNews, planTime } from './plan-append.ts';
import { planReassign, planSet } from './plan-fields.ts';
import { planApprove, planLink, planWatch } from './plan-lists.ts';
import { planMove, planWait } from './plan-move.ts';
import type { Reader } from './reader.ts';
import { selfTest } from './self-test.ts';
import type { InvgateSettings } from './settings.ts';
import { readChanged, readTicket } from './tickets.ts';
import type { OpenTicket, Planner } from './write.ts';

/** Distinct invalid dates that are reported per process. */
const MAX_WARNED_DATES = 20;

type TicketAction = Exclude<DeskAction, { action: 'create_ticket' | 'breaking_news' }>;

export class InvgateAdapter implements Adapter {
  readonly #reader: Reader;
  readonly #author: Author;

  constructor(settings: InvgateSettings, io: VendorIo) {
    const client = createInvgateClient(settings, io);
    const warned = new Set<string>();
    const onInvalid = (value: unknown): void => {
      const text = String(value).slice(0, 40);
      if (warned.has(text) || warned.size >= MAX_WARNED_DATES) return;
      warned.add(text);
      io.warn('a date from the desk is not one: taken as none', { value: text });
    };
    const toInstant = createDateParser({ timeZone: settings.time_zone, onInvalid });
    const lookups = new InvgateLookups(client, settings, io);
    this.#reader = {
      client,
      lookups,
      io,
      mapping: { settings, toInstant },
      viewId: settings.view_id ?? null,
      whole: new WeakMap(),
    };
    this.#author = new Author(settings, lookups.people, io);
  }

  selfTest(context: CallContext): Promise<SelfTest> {
    return selfTest(this.#reader, this.#author, context);
  }

  readPage(feed: string, position: FeedPosition, needs: Needs, context: CallContext): Promise<FeedPage> {
    return readPage(this.#reader, feed, position, needs, context);
  }

  readChanged(
    rows: readonly TicketRow[],
    needs: Needs,
    context: CallContext,
  ): Promise<readonly TicketRead[]> {
    return readChanged(this.#reader, rows, needs, context);
  }

  readTicket(ticketId: string, needs: Needs, context: CallContext): Promise<TicketRead> {
    return readTicket(this.#reader, ticketId, needs, context);
  }

  async nextWrite(
    action: DeskAction,
    ticket: OpenTicket | null,
    done: ReadonlySet<string>,
    context: CallContext,
  ): Promise<PlannedWrite | null> {
    const author = (): Promise<string> => this.#author.id(context);
    const planner: Planner = { reader: this.#reader, context, done, author };
    if (action.action === 'create_ticket') return planCreate(action, planner);
    if (action.action === 'breaking_news') return planNews(action, planner);
    if (ticket === null) throw this.#reader.client.refused(`${action.action}: there is no ticket`);
    return this.#planOnTicket(action, ticket, planner);
  }

  send(write: PlannedWrite, context: CallContext): Promise<SendResult> {
    return send(this.#reader, write, context);
  }

  listChildren(write: PlannedWrite, context: CallContext): Promise<readonly Child[] | null> {
    return listChildren(this.#reader, write, context);
  }

  close(): Promise<void> {
    return this.#reader.client.close();
  }

  async #planOnTicket(
    action: TicketAction,
    ticket: OpenTicket,
    planner: Planner,
  ): Promise<PlannedWrite | null> {
    switch (action.action) {
      case 'reassign':
        return planReassign(action, ticket, planner);
      case 'comment':
        return planner.done.has('comment')
          ? null
          : commentWrite(ticket.id, action.text, action.public, planner);
      case 'set':
        return planSet(action, ticket, planner);
      case 'watch':
        return planWatch(action, ticket, planner);
      case 'close':
      case 'resolve':
      case 'reopen':
        return planMove(action, ticket, planner);
      case 'wait_for':
        return planWait(action, ticket, planner);
      case 'time_entry':
        return planTime(action, ticket, planner);
      case 'link':
        return planLink(action, ticket, planner);
      case 'approve':
        return planApprove(action, ticket, planner);
      case 'tag':
      case 'task':
        throw this.#reader.client.refused(`${action.action}: not in InvGate's API`);
    }
  }
}
