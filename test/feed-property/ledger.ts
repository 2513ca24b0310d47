import type { DeskEvent } from '../../src/event.ts';
import { FINAL_PHASES, type ObservedTicket, type Phase, type Ticket } from '../../src/ticket.ts';
import { Book } from './book.ts';
import type { Look, Made } from './stage.ts';

/** A time that a feed has said it cannot tell about, epoch ms. */
interface Gap {
  readonly feed: string;
  readonly from: number;
  readonly to: number;
}

interface Fact {
  readonly key: string;
  readonly made: Made;
  readonly at: number;
  /** The ticket was finished when it happened, and the feed looks at others only: told only if it is opened again. */
  readonly isBlind: boolean;
  told: boolean;
}

/** A walk that came to its end, and which tickets wait to be read again nevertheless. */
export interface Walked {
  readonly feed: string;
  /** When it began, and when the feed's silent baseline began, epoch ms. */
  readonly at: number;
  readonly baselineAt: number;
  readonly nominated: ReadonlySet<string>;
}

/**
 * Compares what happened at the desk with what Deskhand has told: each change that a complete walk could see is
 * exactly one event, and what none could see lies in a reported gap.
 */
export class Ledger {
  readonly missed: string[] = [];
  readonly twice: string[] = [];
  readonly gaps: Gap[] = [];
  /** Told by a gap instead of an event. */
  lost = 0;
  events = 0;
  readonly #books = new Map<string, Book>();
  readonly #open = new Map<string, Book>();
  readonly #facts = new Map<string, Fact>();
  readonly #unjudged = new Set<Fact>();
  readonly #keys = new Set<string>();

  /** A ticket that was there before Deskhand looked. */
  old(ticketId: string, look: Look): void {
    this.#book(ticketId).changed(null, 0, look);
  }

  /** The baseline is done: what Deskhand holds without having told it. */
  hold(observed: ObservedTicket): void {
    const book = this.#books.get(observed.id);
    if (book === undefined) this.twice.push(`ticket ${observed.id} does not exist`);
    else this.#wrong(book.held(observed), `baseline of ${observed.id}`);
  }

  changed(made: Made, at: number, look: Look | null): void {
    const book = this.#book(made.ticketId);
    book.changed(made, at, look);
    this.#open.set(made.ticketId, book);
    for (const key of made.keys ?? []) {
      const isBlind = made.onlyOpen === true && FINAL_PHASES.includes(look?.phase as Phase);
      const fact = { key, made, at, isBlind, told: false };
      this.#facts.set(key, fact);
      this.#unjudged.add(fact);
    }
  }

  /** Events in the order of their ids. */
  take(event: DeskEvent, at: number): void {
    if (event.type === 'feed.gap') return this.#takeGap(event);
    if (!/^(?:ticket|comment|trigger)\./.test(event.type)) return;
    this.events += 1;
    if (this.#keys.has(event.key)) this.twice.push(`${event.key} is there twice`);
    this.#keys.add(event.key);
    if (!event.key.startsWith('updated:') && event.type !== 'ticket.gone') this.#takeFact(event.key);
    const book = this.#books.get(event.ticket_id ?? '');
    if (book === undefined) return void this.twice.push(`${event.key}: there is no such ticket`);
    this.#wrong(this.#takeTicket(book, event, event.ticket, at), event.key);
  }

  /** A feed has been walked to its end: what should have been told by now? */
  judge(walked: Walked): void {
    for (const fact of this.#unjudged) {
      if (fact.told) this.#unjudged.delete(fact);
      else if (this.#isDue(walked, fact.made, fact.at)) this.#judgeFact(fact);
    }
    for (const [ticketId, book] of this.#open) {
      const missed = book.missed((made, at) => made !== null && this.#isDue(walked, made, at));
      this.missed.push(...missed.map((what) => `ticket ${ticketId}, ${walked.feed}: ${what}`));
      if (book.settled) this.#open.delete(ticketId);
    }
  }

  #book(ticketId: string): Book {
    const book = this.#books.get(ticketId) ?? new Book();
    this.#books.set(ticketId, book);
    return book;
  }

  #wrong(what: readonly string[], where: string): void {
    this.twice.push(...what.map((text) => `${where}: ${text}`));
  }

  #takeGap(event: DeskEvent): void {
    const { feed, from, to } = event.body as { feed: string; from: string; to: string };
    this.gaps.push({ feed, from: Date.parse(from), to: Date.parse(to) });
  }

  #takeFact(key: string): void {
    const fact = this.#facts.get(key);
    if (fact === undefined) this.twice.push(`${key} never happened`);
    else fact.told = true;
  }

  #takeTicket(book: Book, event: DeskEvent, ticket: Ticket | null, at: number): readonly string[] {
    if (event.type === 'ticket.gone') {
      if (book.gone === null || book.gone.told) return ['gone although it is not, or once more'];
      book.gone.told = true;
      return [];
    }
    if (ticket === null) return event.type.startsWith('ticket.') ? ['there is no ticket in it'] : [];
    const told = { ticket, unknown: event.unknown };
    if (event.type === 'ticket.created') return book.first(told, at);
    if (event.type !== 'ticket.updated') return [];
    const changes = event.changes ?? {};
    return Object.keys(changes).length === 0
      ? book.first({ ticket, unknown: [] }, at)
      : book.updated(told, changes);
  }

  /** While a ticket goes on changing it may move through the pages unseen; the next walk has it. */
  #isDue(walked: Walked, made: Made, at: number): boolean {
    if (made.shownBy !== walked.feed || at + (made.afterMs ?? 0) >= walked.at) return false;
    // The clock moves with each call, so what happened in that very moment was there before the baseline's first.
    if (at <= walked.baselineAt) return false;
    const { touchedAt } = this.#book(made.ticketId);
    return touchedAt + (made.afterMs ?? 0) < walked.at && !walked.nominated.has(made.ticketId);
  }

  #judgeFact(fact: Fact): void {
    const book = this.#book(fact.made.ticketId);
    this.#unjudged.delete(fact);
    if (this.#isNoEvent(fact, book)) return;
    const { shownBy, windowMs } = fact.made;
    const gap = this.gaps.some((one) => one.feed === shownBy && fact.at >= one.from && fact.at <= one.to);
    if (windowMs !== undefined && gap) this.lost += 1;
    else this.missed.push(`${fact.key}, made at ${new Date(fact.at).toISOString()}`);
  }

  /** Comments that came with a new ticket are part of it; and nobody saw what went before it was looked at. */
  #isNoEvent(fact: Fact, book: Book): boolean {
    if (book.gone !== null || fact.isBlind || (fact.made.onlyOpen === true && book.finished)) return true;
    return fact.key.startsWith('comment:') && book.knownAt !== null && fact.at <= book.knownAt;
  }
}
