import { createWarnedDates } from '../http/warned-dates.ts';
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
import { createBossdeskClient } from './client.ts';
import { readPage } from './feeds.ts';
import { BossdeskLookups } from './lookups.ts';
import { BossdeskPeople } from './people.ts';
import { listChildren, send } from './perform.ts';
import { commentWrite, planCreate, planTask, planTime } from './plan-append.ts';
import { planReassign, planSet } from './plan-fields.ts';
import { planMove, planWait } from './plan-move.ts';
import { planTags } from './plan-tags.ts';
import { Account } from './schema.ts';
import { fallbackOf, probeSearch } from './search.ts';
import type { BossdeskSettings } from './settings.ts';
import { readChanged, readTicket, type BossdeskReader } from './tickets.ts';
import type { OpenTicket, Planner } from './write.ts';

export class BossdeskAdapter implements Adapter {
  readonly #reader: BossdeskReader;

  constructor(settings: BossdeskSettings, io: VendorIo) {
    const client = createBossdeskClient(settings, io);
    const toInstant = createWarnedDates(io, settings.time_zone);
    this.#reader = {
      client,
      lookups: new BossdeskLookups(client, io),
      people: new BossdeskPeople(client, io),
      mapping: { settings, toInstant },
      io,
    };
  }

  async selfTest(context: CallContext): Promise<SelfTest> {
    const { client, mapping } = this.#reader;
    const account = await client.find('account', Account, context);
    const findings: string[] = [];
    if (account === null)
      findings.push('the account cannot be read: is this the address of BOSSDesk API v1?');
    const botUserId = await this.#author(findings, context);
    const fallback = fallbackOf((await probeSearch(this.#reader, context)).mode);
    if (fallback !== null) findings.push(`degraded: ${fallback}`);
    if (isPlainHttp(mapping.settings.url)) findings.push('url is http: the key travels unencrypted');
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
    const planner: Planner = { reader: this.#reader, context, done };
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

  /** The user whose key we have: the API does not say, so the configuration does. */
  async #author(findings: string[], context: CallContext): Promise<string | null> {
    const { author } = this.#reader.mapping.settings;
    if (author === undefined) {
      findings.push('author is not set: give the user name of the key, so that own comments are recognised');
      return null;
    }
    return (await this.#reader.people.user(author, context)).id;
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
      case 'close':
      case 'resolve':
      case 'reopen':
        return planMove(action, ticket, planner);
      case 'wait_for':
        return planWait(action, ticket, planner);
      case 'task':
        return planTask(action, ticket, planner);
      case 'time_entry':
        return planTime(action, ticket, planner);
      case 'watch':
      case 'link':
      case 'approve':
      case 'breaking_news':
        throw this.#reader.client.refused(`${action.action}: not in BOSSDesk's API`);
    }
  }
}
