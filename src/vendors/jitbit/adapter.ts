import { createDateParser, createZone, toWallTime } from '../http/dates.ts';
import { isPlainHttp } from '../http/settings.ts';
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
import { createJitbitClient } from './client.ts';
import { readPage, type FeedReader } from './feeds.ts';
import { JitbitLookups } from './lookups.ts';
import { listChildren, send } from './perform.ts';
import { commentWrite, planCreate, planTime } from './plan-append.ts';
import { planLink, planTags, planWatch } from './plan-lists.ts';
import { planReassign, planSet } from './plan-fields.ts';
import { planMove, planWait } from './plan-move.ts';
import { DeskUser, TicketListRow } from './schema.ts';
import type { JitbitSettings } from './settings.ts';
import { readChanged, readTicket } from './tickets.ts';
import type { OpenTicket, Planner } from './write.ts';

/** A filter that nothing can pass; rows in its answer mean that the desk ignores the filter. */
const IMPOSSIBLE_DATE = '2999-01-01';

/** Distinct invalid dates that are reported per process. */
const MAX_WARNED_DATES = 20;

export class JitbitAdapter implements Adapter {
  readonly #reader: FeedReader;
  readonly #writeTime: (instant: string) => string;

  constructor(settings: JitbitSettings, io: VendorIo) {
    const client = createJitbitClient(settings, io);
    const warned = new Set<string>();
    const onInvalid = (value: unknown): void => {
      const text = String(value).slice(0, 40);
      if (warned.has(text) || warned.size >= MAX_WARNED_DATES) return;
      warned.add(text);
      io.warn('a date from the desk is not one: taken as none', { value: text });
    };
    const toInstant = createDateParser({ timeZone: settings.time_zone, onInvalid });
    const lookups = new JitbitLookups(client, settings, io);
    const zone = settings.write_time_zone === undefined ? null : createZone(settings.write_time_zone);
    this.#reader = { client, lookups, io, mapping: { settings, toInstant } };
    this.#writeTime = (instant) => (zone === null ? instant : toWallTime(instant, zone));
  }

  async selfTest(context: CallContext): Promise<SelfTest> {
    const { client, mapping } = this.#reader;
    const user = await client.authorize(DeskUser, context);
    const findings: string[] = [];
    if (!user.IsAdmin && !user.IsTech) {
      findings.push('the account is neither administrator nor technician: it sees only its own tickets');
    } else if (!user.IsAdmin) {
      findings.push('the account is no administrator: it sees the categories it is a technician of');
    }
    const probe = { mode: 'all', updatedFrom: IMPOSSIBLE_DATE, count: 1 };
    const { rows } = await client.list('Tickets', probe, TicketListRow, context);
    if (rows.length > 0) findings.push('the desk ignores updatedFrom: every poll walks all tickets');
    if (isPlainHttp(mapping.settings.url)) findings.push('url is http: the credentials travel unencrypted');
    return { botUserId: user.UserID, findings };
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
    const { client } = this.#reader;
    const planner: Planner = { reader: this.#reader, writeTime: this.#writeTime, context, done };
    if (action.action === 'create_ticket') return planCreate(action, planner);
    if (ticket === null) throw client.refused(`${action.action}: there is no ticket`);
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
    action: Exclude<DeskAction, { action: 'create_ticket' }>,
    ticket: OpenTicket,
    planner: Planner,
  ): Promise<PlannedWrite | null> {
    switch (action.action) {
      case 'reassign':
        return planReassign(action, ticket, planner);
      case 'comment':
        return planner.done.has('comment') ? null : commentWrite(ticket.id, action.text, action.public);
      case 'set':
        return planSet(action, ticket, planner);
      case 'tag':
        return planTags(action, ticket, planner);
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
      case 'task':
      case 'approve':
      case 'breaking_news':
        throw this.#reader.client.refused(`${action.action}: not in Jitbit's API`);
    }
  }
}
