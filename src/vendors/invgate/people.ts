import { VendorError } from '../../errors.ts';
import { Cached } from '../cached.ts';
import { describeMiss, foldName } from '../names.ts';
import type { CallContext, VendorIo } from '../vendor.ts';
import type { InvgateClient } from './client.ts';
import { chunksOf } from './ids.ts';
import type { KnownPerson } from './known.ts';
import { DeskUser } from './schema.ts';
import { deskLine } from './text.ts';

/** Users of the desk: names and e-mail addresses for tickets, and the ids of people whom rules name. */

/** Ids per call: keeps the URL short. */
const USERS_PER_CALL = 50;
const TTL_MS = 60 * 60_000;
/** People kept in memory; a desk may have a hundred thousand customers. */
const MAX_KNOWN = 20_000;

export class InvgatePeople {
  readonly #client: InvgateClient;
  readonly #io: VendorIo;
  readonly #people = new Map<string, KnownPerson>();
  /** When each id was asked for, by the monotonic clock; those that the desk does not know are here alone. */
  readonly #askedAt = new Map<string, number>();
  readonly #directory: Cached<readonly DeskUser[], CallContext>;

  constructor(client: InvgateClient, io: VendorIo) {
    this.#client = client;
    this.#io = io;
    this.#directory = new Cached(
      async (context) => (await client.rows('GET users', {}, DeskUser, context)).rows,
      io.clock,
    );
  }

  /** Everybody seen so far. */
  known(): ReadonlyMap<string, KnownPerson> {
    return this.#people;
  }

  /** Looks up those ids that are not known, 50 per call. A desk that refuses leaves them without names. */
  async load(ids: readonly (string | null)[], context: CallContext): Promise<void> {
    const now = this.#io.clock.monotonic();
    const stale = (id: string): boolean => now - (this.#askedAt.get(id) ?? -Infinity) >= TTL_MS;
    const wanted = [...new Set(ids.filter((id) => id !== null))].filter(stale);
    if (this.#askedAt.size + wanted.length > MAX_KNOWN) {
      this.#askedAt.clear();
      this.#people.clear();
    }
    for (const some of chunksOf(wanted, USERS_PER_CALL)) {
      const users = await this.#byIds(some, context);
      for (const user of users) this.#people.set(user.id, toPerson(user));
      for (const id of some) this.#askedAt.set(id, now);
    }
  }

  async #byIds(ids: readonly string[], context: CallContext): Promise<readonly DeskUser[]> {
    try {
      const query = { 'ids[]': ids, include_disabled: 1 };
      return (await this.#client.rows('GET users', query, DeskUser, context)).rows;
    } catch (error) {
      if (!(error instanceof VendorError) || !['refused', 'not_found'].includes(error.reason)) throw error;
      this.#io.warn('users of the desk could not be read by id: they stay without names', { error });
      return [];
    }
  }

  /**
   * A person by e-mail, id, user name or full name, in this order.
   *
   * @throws VendorError `refused`, with the nearest names, when there is none or several
   */
  async find(name: string, context: CallContext): Promise<KnownPerson> {
    const direct = await this.#byOwnName(name.trim(), context);
    if (direct !== null) return direct;
    for (const list of [await this.#directory.get(context), null]) {
      const users = list ?? (await this.#directory.reload(context));
      const found = users.filter((user) => namesOf(user).some((one) => foldName(one) === foldName(name)));
      if (found.length > 1) {
        const shown = found.map((user) => `${fullName(user)} (${user.email ?? user.id})`).join(', ');
        throw this.#client.refused(`person "${name}" is ambiguous: ${shown}; write the e-mail or the id`);
      }
      if (found[0] !== undefined) return toPerson(found[0]);
    }
    const agents = (this.#directory.peek() ?? []).filter((user) => user.user_type === AGENT);
    throw this.#client.refused(describeMiss('person', name, agents.flatMap(namesOf)));
  }

  async #byOwnName(name: string, context: CallContext): Promise<KnownPerson | null> {
    if (/^\d+$/.test(name)) return this.#one('GET user', { id: name }, context);
    if (name.includes('@')) return this.#one('GET user.by', { email: name }, context);
    return /\s/.test(name) ? null : this.#one('GET user.by', { username: name }, context);
  }

  async #one(
    call: 'GET user' | 'GET user.by',
    query: Readonly<Record<string, string>>,
    context: CallContext,
  ): Promise<KnownPerson | null> {
    try {
      const found = await this.#client.find(call, query, DeskUser, context);
      return found === null ? null : toPerson(found.value);
    } catch (error) {
      // Some versions say with ERROR that there is no such user.
      if (error instanceof VendorError && error.reason === 'refused' && error.status === undefined)
        return null;
      throw error;
    }
  }
}

/** Manual, `user`: "1 if the user is an agent and 2 if it is an end user". */
const AGENT = '1';

function toPerson(user: DeskUser): KnownPerson {
  const email = user.email === null || user.email === '' ? null : user.email;
  const name = fullName(user) ?? user.username;
  const kind = user.user_type === AGENT ? 'agent' : user.user_type === '2' ? 'requester' : 'unknown';
  return { id: user.id, name, email, kind };
}

function fullName(user: DeskUser): string | null {
  const name = deskLine(`${user.name ?? ''} ${user.lastname ?? ''}`);
  return name === '' ? null : name;
}

function namesOf(user: DeskUser): readonly string[] {
  return [fullName(user), user.username, user.email].filter(
    (name) => name !== null && name !== '',
  ) as string[];
}
