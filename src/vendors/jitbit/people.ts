import { VendorError } from '../../errors.ts';
import type { Person } from '../../ticket.ts';
import { describeMiss, foldName } from '../names.ts';
import type { CallContext, VendorIo } from '../vendor.ts';
import { Cached, CachedByKey } from '../cached.ts';
import type { JitbitClient } from './client.ts';
import { toPerson } from './map-people.ts';
import { DeskUser } from './schema.ts';

/** People: technicians by any of their names, other users by e-mail, user name or id. */

/** Document, "Users": default 500 per page. */
const USERS_PAGE = 500;

/** A technician of a category, with the names he can be called by. */
interface Tech {
  readonly person: Person & { readonly id: string };
  readonly names: readonly string[];
}

export class JitbitPeople {
  readonly #client: JitbitClient;
  readonly #io: VendorIo;
  readonly #directory: Cached<readonly Tech[] | null, CallContext>;
  readonly #techs: CachedByKey<readonly Tech[], CallContext>;

  constructor(client: JitbitClient, io: VendorIo) {
    this.#client = client;
    this.#io = io;
    this.#directory = new Cached((context) => this.#loadDirectory(context), io.clock);
    this.#techs = new CachedByKey((categoryId, context) => this.#loadTechs(categoryId, context), io.clock);
  }

  /** Technicians by id as far as they are known; null when they cannot be listed or were not asked for yet. */
  agents(): ReadonlyMap<string, Person> | null {
    const directory = this.#directory.peek() ?? null;
    return directory === null ? null : new Map(directory.map(({ person }) => [person.id, person]));
  }

  /** Loads the technicians unless they are younger than `ttlMs`. */
  async prepare(context: CallContext, ttlMs: number): Promise<void> {
    await this.#directory.get(context, ttlMs);
  }

  /** A technician who may be assigned in this category (document, "TechsForCategory"). */
  async agent(
    name: string,
    categoryId: string,
    categoryName: string,
    context: CallContext,
  ): Promise<Person & { readonly id: string }> {
    const techs = this.#techs.of(categoryId);
    for (const list of [await techs.get(context), null]) {
      const found = await this.#pickTech(name, list ?? (await techs.reload(context)), context);
      if (found !== null) return found;
    }
    const known = (techs.peek() ?? []).map(({ person }) => person.name ?? person.id);
    const miss = describeMiss('technician', name, known);
    throw this.#client.refused(`${miss} (technicians of category ${categoryName})`);
  }

  async #pickTech(
    name: string,
    techs: readonly Tech[],
    context: CallContext,
  ): Promise<Tech['person'] | null> {
    const direct = this.#uniquePerson(name, techs);
    if (direct !== null) return this.#withEmail(direct);
    // TechsForCategory has no e-mail addresses: the directory has, else the desk is asked for this one.
    const id = await this.#idOfUser(name, context);
    return techs.find(({ person }) => person.id === id)?.person ?? null;
  }

  async #idOfUser(name: string, context: CallContext): Promise<string | null> {
    const directory = await this.#directory.get(context);
    const listed = directory === null ? null : this.#uniquePerson(name, directory);
    if (listed !== null) return listed.id;
    return (await this.#findUser(name, context))?.UserID ?? null;
  }

  /** Any user, for subscribers and requesters: by id, e-mail or user name; technicians also by their full name. */
  async user(name: string, context: CallContext): Promise<{ readonly id: string }> {
    const found = await this.#findUser(name, context);
    if (found !== null) return { id: found.UserID };
    const directory = await this.#directory.get(context);
    const listed = directory === null ? null : this.#uniquePerson(name, directory);
    if (listed !== null) return listed;
    const known = (directory ?? []).map(({ person }) => person.name ?? person.id);
    throw this.#client.refused(
      `${describeMiss('user', name, known)} (looked for by e-mail, user name and id)`,
    );
  }

  async #findUser(name: string, context: CallContext): Promise<DeskUser | null> {
    const text = name.trim();
    const [path, query] = text.includes('@')
      ? ['UserByEmail', { email: text }]
      : /^\d+$/.test(text)
        ? ['User', { userId: text }]
        : ['UserByUsername', { username: text }];
    return (
      (await this.#client.find(path as string, query as Record<string, string>, DeskUser, context))?.value ??
      null
    );
  }

  /** A person of a list, by id, full name, user name or e-mail. @throws VendorError when two have that name */
  #uniquePerson(name: string, techs: readonly Tech[]): Tech['person'] | null {
    const wanted = foldName(name);
    const byId = techs.find(({ person }) => person.id === name.trim());
    if (byId !== undefined) return byId.person;
    const found = techs.filter(({ names }) => names.some((one) => foldName(one) === wanted));
    if (found.length > 1) {
      const ids = found.map(({ person }) => `${person.name} (${person.email ?? person.id})`).join(', ');
      throw this.#client.refused(`person "${name}" is ambiguous: ${ids}; write the e-mail or the id`);
    }
    return found[0]?.person ?? null;
  }

  #withEmail(person: Tech['person']): Tech['person'] {
    const listed = this.#directory.peek()?.find((tech) => tech.person.id === person.id);
    return listed?.person ?? person;
  }

  /** All technicians with e-mail addresses; null where this user may not list users (administrators only). */
  async #loadDirectory(context: CallContext): Promise<readonly Tech[] | null> {
    const techs: Tech[] = [];
    try {
      for (let page = 1; ; page += 1) {
        const query = { listMode: 'techs', count: USERS_PAGE, page };
        const { rows } = await this.#client.list('Users', query, DeskUser, context);
        techs.push(...rows.map(toTech));
        if (rows.length < USERS_PAGE) return techs;
      }
    } catch (error) {
      if (!(error instanceof VendorError) || error.reason !== 'refused') throw error;
      this.#io.warn('the users of this desk cannot be listed: the account is no administrator', { error });
      return null;
    }
  }

  async #loadTechs(categoryId: string, context: CallContext): Promise<readonly Tech[]> {
    const { rows } = await this.#client.list('TechsForCategory', { id: categoryId }, DeskUser, context);
    return rows.map(toTech);
  }
}

function toTech(user: DeskUser): Tech {
  const person = { ...toPerson(user.UserID, user, 'agent', null), id: user.UserID };
  const full = `${user.FirstName ?? ''} ${user.LastName ?? ''}`.trim();
  const names = [full, user.FullName, user.Username, user.UserName, user.Email];
  return { person, names: names.filter((name) => name !== null && name !== '') as string[] };
}
