import { z } from 'zod';
import type { Person } from '../../ticket.ts';
import { Cached, CachedByKey } from '../cached.ts';
import { describeMiss, foldName } from '../names.ts';
import type { CallContext, VendorIo } from '../vendor.ts';
import type { GotoassistClient } from './client.ts';
import { nameOf, toPerson } from './map.ts';
import { Customer, DeskUser } from './schema.ts';

/**
 * Users (groups are some) and customers. Their lists have names but no e-mail addresses, and cannot be searched: an
 * address costs one call per person, asked in the order in which names resemble it, and is kept for a day.
 */

const LIST_TTL_MS = 6 * 3_600_000;
const PERSON_TTL_MS = 24 * 3_600_000;
/** Persons who are asked for their address before one gives up; some 60 calls an hour are all there are. */
const MAX_ASKED = 12;
/** A client asks for 500 rows (integration reference 5.2); the desk may give fewer. */
const CUSTOMERS_PAGE = 500;
const MAX_CUSTOMER_PAGES = 10;

const Users = z.object({ users: z.array(DeskUser) });
const Customers = z.object({ customers: z.array(DeskUser) });
/** A lone object in `result` loses its wrapper. */
const OneUser = z.union([DeskUser, z.object({ user: DeskUser }).transform(({ user }) => user)]);
const OneCustomer = z.union([
  Customer,
  z.object({ customer: Customer }).transform(({ customer }) => customer),
]);

type Found = Person & { readonly id: string };

export class GotoassistPeople {
  readonly #client: GotoassistClient;
  readonly #users: Cached<readonly DeskUser[], CallContext>;
  readonly #user: CachedByKey<DeskUser | null, CallContext>;
  readonly #customers: Cached<readonly DeskUser[], CallContext>;
  readonly #customer: CachedByKey<Customer | null, CallContext>;

  constructor(client: GotoassistClient, io: VendorIo) {
    this.#client = client;
    const users = async (context: CallContext): Promise<readonly DeskUser[]> =>
      (await client.get('users', {}, Users, context)).value.users;
    this.#users = new Cached(users, io.clock);
    this.#user = new CachedByKey(async (id, context) => {
      return (await client.find(`users/${id}`, OneUser, context))?.value ?? null;
    }, io.clock);
    this.#customers = new Cached((context) => this.#loadCustomers(context), io.clock);
    this.#customer = new CachedByKey(async (id, context) => {
      return (await client.find(`customers/${id}`, OneCustomer, context))?.value ?? null;
    }, io.clock);
  }

  /** Whose token it is (guide, "Show Current User"). */
  async current(context: CallContext): Promise<DeskUser> {
    return (await this.#client.get('users/current_user', {}, OneUser, context)).value;
  }

  /** A user or a group, by id, full name or e-mail. @throws VendorError `refused` with the nearest names */
  async user(name: string, context: CallContext): Promise<Found> {
    const find = async (all: readonly DeskUser[]): Promise<DeskUser | null> =>
      this.#pick(name, all) ?? (await this.#byEmail(name, all, (id) => this.#userOf(id, context)));
    const found =
      (await find(await this.#users.get(context, LIST_TTL_MS))) ??
      this.#pick(name, await this.#users.reload(context));
    if (found === null) throw this.#miss('user', name, this.#users.peek() ?? []);
    return { ...(toPerson(found, 'agent') as Person), id: found.id };
  }

  /** A customer, by id, full name or e-mail. @throws VendorError `refused` with the nearest names */
  async customer(name: string, context: CallContext): Promise<{ readonly id: string }> {
    const all = await this.#customers.get(context, LIST_TTL_MS);
    const found =
      this.#pick(name, all) ??
      (await this.#byEmail(name, all, (id) => this.customerOf(id, context))) ??
      this.#pick(name, await this.#customers.reload(context));
    if (found === null) throw this.#miss('customer', name, all);
    return { id: found.id };
  }

  /** A customer with e-mail and company; null: not there any more. */
  customerOf(id: string, context: CallContext): Promise<Customer | null> {
    return this.#customer.of(id).get(context, PERSON_TTL_MS);
  }

  async emailOf(userId: string, context: CallContext): Promise<string | null> {
    return (await this.#userOf(userId, context))?.email ?? null;
  }

  #userOf(id: string, context: CallContext): Promise<DeskUser | null> {
    return this.#user.of(id).get(context, PERSON_TTL_MS);
  }

  #pick(name: string, all: readonly DeskUser[]): DeskUser | null {
    const byId = all.find((one) => one.id === name.trim());
    if (byId !== undefined) return byId;
    const same = all.filter((one) => namesOf(one).some((known) => foldName(known) === foldName(name)));
    if (same.length > 1) {
      const ids = same.map((one) => one.id).join(', ');
      throw this.#client.refused(`person "${name}" is ambiguous: write one of the ids ${ids}`);
    }
    return same[0] ?? null;
  }

  async #byEmail(
    email: string,
    all: readonly DeskUser[],
    read: (id: string) => Promise<{ readonly email: string | null } | null>,
  ): Promise<DeskUser | null> {
    if (!email.includes('@')) return null;
    const likeliest = all.toSorted((a, b) => likeness(b, email) - likeness(a, email)).slice(0, MAX_ASKED);
    for (const one of likeliest) {
      if (foldName((await read(one.id))?.email ?? '') === foldName(email)) return one;
    }
    return null;
  }

  #miss(kind: string, name: string, all: readonly DeskUser[]): Error {
    const known = all.map((one) => nameOf(one) ?? one.id);
    const miss = describeMiss(kind, name, known);
    const asked =
      name.includes('@') && all.length > MAX_ASKED ? `; asked ${MAX_ASKED} for their address` : '';
    return this.#client.refused(`${miss}${asked}: write the full name or the id`);
  }

  async #loadCustomers(context: CallContext): Promise<readonly DeskUser[]> {
    const all: DeskUser[] = [];
    for (let page = 1; page <= MAX_CUSTOMER_PAGES; page += 1) {
      const query = { limit: CUSTOMERS_PAGE, page };
      const { customers } = (await this.#client.get('customers', query, Customers, context)).value;
      const known = new Set(all.map((one) => one.id));
      const fresh = customers.filter((one) => !known.has(one.id));
      all.push(...fresh);
      // The desk may give fewer rows than asked for: a page ends the list only if it brings nothing.
      if (fresh.length === 0) break;
      if (customers.length < CUSTOMERS_PAGE && page === 1 && customers.length % 10 !== 0) break;
    }
    return all;
  }
}

function namesOf(user: DeskUser): readonly string[] {
  const parts = `${user.first_name ?? ''} ${user.last_name ?? ''}`.trim();
  // Guide, "Show Users": a group's last name is a filler.
  const names = user.group_link === null ? [nameOf(user), parts] : [nameOf(user), user.first_name];
  return names.filter((name) => name !== null && name !== '') as string[];
}

/** How much of a person's name stands before the @: 2, 1 or 0 parts. */
function likeness(user: DeskUser, email: string): number {
  const local = foldName(email.split('@', 1)[0] ?? '');
  const parts = [user.first_name, user.last_name].map((part) => foldName(part ?? ''));
  return parts.filter((part) => part !== '' && local.includes(part)).length;
}
