import { VendorError } from '../../errors.ts';
import type { Named, Person } from '../../ticket.ts';
import { describeMiss, foldName } from '../names.ts';
import type { CallContext, VendorIo } from '../vendor.ts';
import { Cached } from './cached.ts';
import type { JitbitClient } from './client.ts';
import { toPerson, type Known, type KnownCategory } from './map.ts';
import {
  DeskCategory,
  DeskUser,
  FieldDefinition,
  type TicketListRow,
  TicketListRow as Row,
} from './schema.ts';
import type { JitbitSettings } from './settings.ts';

/**
 * Names to ids and back. Whatever a rule names is looked for by id, name and path (people: also e-mail and user
 * name), without regard to case; a miss reloads the list once and is then refused with the nearest names.
 */

/** Names of persons and categories change rarely: reading tickets believes them longer than writing does. */
const READING_TTL_MS = 60 * 60_000;

/** Document, "Users": default 500 per page. */
const USERS_PAGE = 500;

/** A technician of a category, with the names he can be called by. */
interface Tech {
  readonly person: Person & { readonly id: string };
  readonly names: readonly string[];
}

export class JitbitLookups {
  readonly #client: JitbitClient;
  readonly #settings: JitbitSettings;
  readonly #io: VendorIo;
  readonly #categories: Cached<ReadonlyMap<string, KnownCategory>, CallContext>;
  readonly #directory: Cached<readonly Tech[] | null, CallContext>;
  readonly #techs = new Map<string, Cached<readonly Tech[], CallContext>>();
  readonly #fields = new Map<string, Cached<readonly FieldDefinition[], CallContext>>();
  /** Status names seen in rows: there is no list of them in the API. */
  readonly #statuses = new Map<string, string>([
    ['1', 'New'],
    ['2', 'In process'],
    ['3', 'Closed'],
  ]);
  readonly #statusProbe: Cached<true, CallContext>;

  constructor(client: JitbitClient, settings: JitbitSettings, io: VendorIo) {
    this.#client = client;
    this.#settings = settings;
    this.#io = io;
    this.#categories = new Cached((context) => this.#loadCategories(context), io.clock);
    this.#directory = new Cached((context) => this.#loadDirectory(context), io.clock);
    this.#statusProbe = new Cached((context) => this.#probeStatuses(context), io.clock);
  }

  /** What is known without a call. */
  known(): Known {
    const directory = this.#directory.peek() ?? null;
    const agents = directory === null ? null : new Map(directory.map(({ person }) => [person.id, person]));
    return { categories: this.#categories.peek() ?? new Map(), agents };
  }

  /**
   * Loads what the mapping of tickets wants to know: the category's section and, for `people`, the technicians. An
   * unknown category reloads the list.
   */
  async prepare(
    categoryIds: readonly (string | null)[],
    people: boolean,
    context: CallContext,
  ): Promise<Known> {
    const categories = await this.#categories.get(context, READING_TTL_MS);
    if (categoryIds.some((id) => id !== null && !categories.has(id))) await this.#categories.reload(context);
    if (people) await this.#directory.get(context, READING_TTL_MS);
    return this.known();
  }

  learnStatuses(rows: readonly Pick<TicketListRow, 'StatusID' | 'Status'>[]): void {
    for (const { StatusID, Status } of rows) {
      if (StatusID !== null && Status !== null && Status !== '') this.#statuses.set(StatusID, Status);
    }
  }

  /** A category by id, name, `Section > Name` or Jitbit's own `Section \ Name`; a section with one category is it. */
  async category(name: string, context: CallContext): Promise<KnownCategory> {
    const pick = (all: ReadonlyMap<string, KnownCategory>): KnownCategory | null =>
      this.#pickCategory(name, [...all.values()]);
    const found = pick(await this.#categories.get(context)) ?? pick(await this.#categories.reload(context));
    if (found !== null) return found;
    const known = [...(this.#categories.peek() ?? new Map<string, KnownCategory>()).values()];
    throw this.#client.refused(
      describeMiss(
        'category',
        name,
        known.map((category) => category.path),
      ),
    );
  }

  /** The only category, for desks that have one. */
  async onlyCategory(context: CallContext): Promise<KnownCategory | null> {
    const all = [...(await this.#categories.get(context)).values()];
    return all.length === 1 ? (all[0] ?? null) : null;
  }

  #pickCategory(name: string, all: readonly KnownCategory[]): KnownCategory | null {
    const wanted = foldPath(name);
    const matches = (test: (category: KnownCategory) => boolean): readonly KnownCategory[] =>
      all.filter(test);
    const byPath = matches((category) => foldPath(category.path) === wanted);
    const byName = matches((category) => foldName(category.name) === wanted);
    const byId = matches((category) => category.id === name.trim());
    const bySection = matches((category) => foldName(category.section?.name ?? '') === wanted);
    for (const found of [byPath, byName, byId, bySection]) {
      if (found.length > 1) {
        const paths = found.map((category) => category.path).join(', ');
        throw this.#client.refused(`category "${name}" is ambiguous: write one of ${paths}`);
      }
      if (found[0] !== undefined) return found[0];
    }
    return null;
  }

  /** A technician who may be assigned in this category (document, "TechsForCategory"). */
  async agent(
    name: string,
    categoryId: string,
    context: CallContext,
  ): Promise<Person & { readonly id: string }> {
    const techs = this.#techsOf(categoryId);
    for (const list of [await techs.get(context), null]) {
      const found = await this.#pickTech(name, list ?? (await techs.reload(context)), context);
      if (found !== null) return found;
    }
    const known = (techs.peek() ?? []).map(({ person }) => person.name ?? person.id);
    const miss = describeMiss('technician', name, known);
    throw this.#client.refused(`${miss} (technicians of category ${this.#categoryName(categoryId)})`);
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

  /** Custom fields of a category with their options (document, "CustomFieldsForCategory"). */
  async field(name: string, categoryId: string, context: CallContext): Promise<FieldDefinition> {
    const fields = this.#fieldsOf(categoryId);
    const pick = (all: readonly FieldDefinition[]): FieldDefinition | undefined =>
      all.find(
        (field) => foldName(field.FieldName ?? '') === foldName(name) || field.FieldID === name.trim(),
      );
    const found = pick(await fields.get(context)) ?? pick(await fields.reload(context));
    if (found !== undefined) return found;
    const known = (fields.peek() ?? []).map((field) => field.FieldName ?? field.FieldID);
    const miss = describeMiss('custom field', name, known);
    throw this.#client.refused(`${miss} (fields of category ${this.#categoryName(categoryId)})`);
  }

  /**
   * A status by name or id: Jitbit's three, configured ones (`names.status`) and those seen in tickets. The API has
   * no list of them.
   */
  async status(
    name: string,
    context: CallContext,
  ): Promise<Named & { readonly id: string; readonly name: string }> {
    const found = this.#pickStatus(name);
    if (found !== null) return found;
    await this.#statusProbe.reload(context);
    const seen = this.#pickStatus(name);
    if (seen !== null) return seen;
    const known = [...this.#statusNames().values()];
    throw this.#client.refused(
      `${describeMiss('status', name, known)}; Jitbit lists no statuses: give its id under names.status`,
    );
  }

  /** The status that configuration maps to a phase, if it can be named to the desk. */
  async statusWithPhase(
    phase: string,
    context: CallContext,
  ): Promise<(Named & { id: string; name: string }) | null> {
    const mapped = Object.entries(this.#settings.phases ?? {}).filter(([, to]) => to === phase);
    const [first] = mapped;
    return first === undefined ? null : this.status(first[0], context);
  }

  statusName(id: string): string {
    return this.#statusNames().get(id) ?? id;
  }

  #statusNames(): ReadonlyMap<string, string> {
    return new Map([...this.#statuses, ...Object.entries(this.#settings.names?.status ?? {})]);
  }

  #pickStatus(name: string): { id: string; name: string } | null {
    const wanted = foldName(name);
    const all = [...this.#statusNames()];
    const found =
      all.find(([, known]) => foldName(known) === wanted) ?? all.find(([id]) => id === name.trim());
    // A renamed built-in status is still known by the name that the document gives it.
    const builtIn = [...this.#statuses].find(([, known]) => foldName(known) === wanted);
    const match = found ?? builtIn;
    return match === undefined ? null : { id: match[0], name: match[1] };
  }

  async #loadCategories(context: CallContext): Promise<ReadonlyMap<string, KnownCategory>> {
    const { rows } = await this.#client.list('categories', {}, DeskCategory, context);
    return new Map(rows.map((row) => [row.CategoryID, toCategory(row)]));
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

  #techsOf(categoryId: string): Cached<readonly Tech[], CallContext> {
    const load = async (context: CallContext): Promise<readonly Tech[]> =>
      (await this.#client.list('TechsForCategory', { id: categoryId }, DeskUser, context)).rows.map(toTech);
    return this.#cachedIn(this.#techs, categoryId, load);
  }

  #fieldsOf(categoryId: string): Cached<readonly FieldDefinition[], CallContext> {
    const load = async (context: CallContext): Promise<readonly FieldDefinition[]> =>
      (await this.#client.list('CustomFieldsForCategory', { categoryId }, FieldDefinition, context)).rows;
    return this.#cachedIn(this.#fields, categoryId, load);
  }

  #cachedIn<T>(
    all: Map<string, Cached<T, CallContext>>,
    key: string,
    load: (context: CallContext) => Promise<T>,
  ): Cached<T, CallContext> {
    const cached = all.get(key) ?? new Cached(load, this.#io.clock);
    all.set(key, cached);
    return cached;
  }

  /** One page of tickets shows most statuses that are in use. */
  async #probeStatuses(context: CallContext): Promise<true> {
    const { rows } = await this.#client.list('Tickets', { mode: 'all', count: 300 }, Row, context);
    this.learnStatuses(rows);
    return true;
  }

  #categoryName(id: string): string {
    return this.#categories.peek()?.get(id)?.path ?? id;
  }
}

function toCategory(row: DeskCategory): KnownCategory {
  const name = row.Name ?? row.CategoryID;
  const section = row.SectionID === null ? null : { id: row.SectionID, name: row.Section };
  const path = row.Section === null || row.Section === '' ? name : `${row.Section} > ${name}`;
  return { id: row.CategoryID, name, path, section };
}

function toTech(user: DeskUser): Tech {
  const person = { ...toPerson(user.UserID, user, 'agent', null), id: user.UserID };
  const full = `${user.FirstName ?? ''} ${user.LastName ?? ''}`.trim();
  const names = [full, user.FullName, user.Username, user.UserName, user.Email];
  return { person, names: names.filter((name) => name !== null && name !== '') as string[] };
}

/** `Hardware > Printer` and `Hardware \ Printer` are the same path. */
function foldPath(path: string): string {
  return foldName(path)
    .split(/ ?[>\\] ?/)
    .join(' > ');
}
