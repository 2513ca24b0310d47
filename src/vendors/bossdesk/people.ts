import type { Person } from '../../ticket.ts';
import { Cached, CachedByKey } from '../cached.ts';
import type { Params } from '../http/client.ts';
import { describeMiss, foldName } from '../names.ts';
import type { CallContext, VendorIo } from '../vendor.ts';
import type { BossdeskClient } from './client.ts';
import { toPerson } from './map.ts';
import { DeskUser } from './schema.ts';

/**
 * Users by what a rule calls them: e-mail, user name, id, or an agent's full name. `/users` can be searched (manual,
 * "Filtering"), but a condition that the desk does not know is ignored silently: every row is checked here.
 */

const PAGE = 30;
/** Agents beyond this many pages are not found by their full name; by e-mail and user name they are. */
const MAX_PAGES = 20;
/** E-mail addresses change rarely. */
const EMAIL_TTL_MS = 60 * 60_000;

export type FoundPerson = Person & { readonly id: string };

export class BossdeskPeople {
  readonly #client: BossdeskClient;
  readonly #agents: Cached<readonly DeskUser[], CallContext>;
  readonly #byFriendlyId: CachedByKey<DeskUser | null, CallContext>;

  constructor(client: BossdeskClient, io: VendorIo) {
    this.#client = client;
    this.#agents = new Cached((context) => this.#loadAgents(context), io.clock);
    this.#byFriendlyId = new CachedByKey(
      async (id, context) => (await client.find(`users/${id}`, DeskUser, context))?.value ?? null,
      io.clock,
    );
  }

  /** Somebody tickets can be assigned to. @throws VendorError `refused` with the nearest names */
  async agent(name: string, context: CallContext): Promise<FoundPerson> {
    const found = await this.#find(name, context);
    if (found === null) throw await this.#miss('agent', name, context);
    if (!found.is_agent) throw this.#client.refused(`"${name}" is no agent`);
    return toPerson(found, 'agent');
  }

  /** Any user. @throws VendorError `refused` with the nearest names */
  async user(name: string, context: CallContext): Promise<FoundPerson> {
    const found = await this.#find(name, context);
    if (found === null) throw await this.#miss('user', name, context);
    return toPerson(found, found.is_agent ? 'agent' : 'requester');
  }

  /** The e-mail address of a user, whom tickets show without it; null where there is none. */
  async emailOf(user: DeskUser, context: CallContext): Promise<string | null> {
    if (user.email !== null || user.friendly_id === null) return user.email;
    return (await this.#byFriendlyId.of(user.friendly_id).get(context, EMAIL_TTL_MS))?.email ?? null;
  }

  async #find(name: string, context: CallContext): Promise<DeskUser | null> {
    const text = name.trim();
    const queries: Params[] = text.includes('@')
      ? [{ 'q[email_eq]': text }, { 'q[email_eq]': text.toLowerCase() }]
      : [{ 'q[username_eq]': text }, ...(/^\d+$/.test(text) ? [{ 'q[id_eq]': text }] : [])];
    for (const query of queries) {
      const { rows } = await this.#client.list('users', { ...query, per_page: PAGE }, DeskUser, context);
      const found = this.#pick(text, rows);
      if (found !== null) return found;
    }
    const listed = this.#pick(text, await this.#agents.get(context));
    return listed ?? this.#pick(text, await this.#agents.reload(context));
  }

  /** The only one of that id or name. @throws VendorError when two have it */
  #pick(name: string, users: readonly DeskUser[]): DeskUser | null {
    const wanted = foldName(name);
    const byId = users.find((user) => user.id === name);
    if (byId !== undefined) return byId;
    const found = users.filter((user) => namesOf(user).some((one) => foldName(one) === wanted));
    if (new Set(found.map((user) => user.id)).size > 1) {
      const who = found.map((user) => user.username ?? user.id).join(', ');
      throw this.#client.refused(`person "${name}" is ambiguous: write one of the user names ${who}`);
    }
    return found[0] ?? null;
  }

  async #miss(kind: string, name: string, context: CallContext): Promise<Error> {
    const known = (await this.#agents.get(context)).map((user) => toPerson(user, 'agent').name ?? user.id);
    return this.#client.refused(
      `${describeMiss(kind, name, known)} (looked for by e-mail, user name, id, and agents' full names)`,
    );
  }

  async #loadAgents(context: CallContext): Promise<readonly DeskUser[]> {
    const agents: DeskUser[] = [];
    for (let page = 1; page <= MAX_PAGES; page += 1) {
      const query = { 'q[is_agent_eq]': true, per_page: PAGE, page };
      const { rows } = await this.#client.list('users', query, DeskUser, context);
      agents.push(...rows.filter((user) => user.is_agent));
      if (rows.length < PAGE) break;
    }
    return agents;
  }
}

function namesOf(user: DeskUser): readonly string[] {
  const full = `${user.first_name ?? ''} ${user.last_name ?? ''}`.trim();
  return [full, user.username ?? '', user.email ?? ''].filter((name) => name !== '');
}
