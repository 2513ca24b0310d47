import { Cached } from '../cached.ts';
import { isPlainHttp } from '../http/settings.ts';
import { createWarnedDates } from '../http/warned-dates.ts';
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
import { createGotoassistClient } from './client.ts';
import { readPage } from './feeds.ts';
import { directionOf, NO_ORDER, readList } from './list.ts';
import { GotoassistLookups } from './lookups.ts';
import { otherIn } from './others.ts';
import { GotoassistPeople } from './people.ts';
import { listChildren, send } from './perform.ts';
import { noteWrite, planCreate, planTime } from './plan-append.ts';
import { planReassign, planSet } from './plan-fields.ts';
import { planLink, planWatch } from './plan-lists.ts';
import { planMove } from './plan-move.ts';
import type { GotoassistSettings } from './settings.ts';
import { readChanged, readTicket, type GotoassistReader } from './tickets.ts';
import type { OpenTicket, Planner } from './write.ts';

/** The author does not change while the token does not. */
const AUTHOR_TTL_MS = 24 * 3_600_000;

export class GotoassistAdapter implements Adapter {
  readonly #reader: GotoassistReader;
  readonly #author: Cached<string, CallContext>;

  constructor(settings: GotoassistSettings, io: VendorIo) {
    const client = createGotoassistClient(settings, io);
    const people = new GotoassistPeople(client, io);
    const lookups = new GotoassistLookups(client, settings, io);
    const mapping = { settings, toInstant: createWarnedDates(io, settings.time_zone) };
    this.#reader = { client, lookups, people, mapping, io };
    this.#author = new Cached((context) => this.#findAuthor(context), io.clock);
  }

  async selfTest(context: CallContext): Promise<SelfTest> {
    const { mapping, people } = this.#reader;
    const current = await people.current(context);
    const { author, url } = mapping.settings;
    const botUserId = author === undefined ? current.id : (await people.user(author, context)).id;
    const findings: string[] = [];
    const list = await readList(this.#reader, 1, context);
    if (directionOf(list.rows) === 'mixed') {
      findings.push(`degraded: ${NO_ORDER}`);
    }
    if (isPlainHttp(url)) findings.push('url is http: the token travels unencrypted');
    return { botUserId, findings };
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
    const authorId = await this.#author.get(context, AUTHOR_TTL_MS);
    const planner: Planner = { reader: this.#reader, context, done, authorId };
    if (action.action === 'create_ticket') return planCreate(action, planner);
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

  /** The configured user; else the one whose token it is. */
  async #findAuthor(context: CallContext): Promise<string> {
    const { mapping, people } = this.#reader;
    const { author } = mapping.settings;
    if (author === undefined) return (await people.current(context)).id;
    return /^\d+$/.test(author) ? author : (await people.user(author, context)).id;
  }

  async #planOnTicket(
    action: Exclude<DeskAction, { action: 'create_ticket' }>,
    ticket: OpenTicket,
    planner: Planner,
  ): Promise<PlannedWrite | null> {
    const { client } = this.#reader;
    if (otherIn(ticket.id) !== null) {
      throw client.refused(`${action.action}: problems, changes and releases are only read`);
    }
    switch (action.action) {
      case 'reassign':
        return planReassign(action, ticket, planner);
      case 'comment':
        if (action.public) throw client.refused('comment public: GoToAssist cannot say who may see a note');
        if (planner.done.has('comment')) return null;
        return noteWrite('comment', 'comments', ticket.id, action.text, planner.authorId);
      case 'set':
        return planSet(action, ticket, planner);
      case 'watch':
        return planWatch(action, ticket, planner);
      case 'close':
      case 'resolve':
      case 'reopen':
        return planMove(action, ticket, planner);
      case 'time_entry':
        return planTime(action, ticket, planner);
      case 'link':
        return planLink(action, ticket, planner);
      case 'tag':
      case 'wait_for':
      case 'task':
      case 'approve':
      case 'breaking_news':
        throw client.refused(`${action.action}: not in GoToAssist's API`);
    }
  }
}
