import { Cached, CachedByKey } from '../cached.ts';
import { describeMiss, foldName } from '../names.ts';
import type { CallContext, VendorIo } from '../vendor.ts';
import type { ReadCall } from './calls.ts';
import type { InvgateClient } from './client.ts';
import { isRecord } from './envelope.ts';
import { ATTRIBUTES, BUILT_IN, type Attribute, type Known, type Placed } from './known.ts';
import { InvgatePeople } from './people.ts';
import { FieldRow, NamedRow, Trigger, type Incident } from './schema.ts';
import type { InvgateSettings } from './settings.ts';
import { deskLine } from './text.ts';

/**
 * Names to ids and back. Whatever a rule names is looked for by path, name and id, without regard to case; a miss
 * reloads the list once and is then refused with the nearest names.
 */

/** Names change rarely: reading tickets believes them longer than writing does. */
const READING_TTL_MS = 60 * 60_000;

/** Newer versions page categories: 20 by default, 500 at most (integration reference 2.6). Older ones give all. */
const CATEGORIES_PAGE = 500;
const MAX_PAGES = 100;

type Names = ReadonlyMap<string, string>;
type Tree = ReadonlyMap<string, Placed>;
type Lookup<T> = Cached<T, CallContext>;

export class InvgateLookups {
  readonly people: InvgatePeople;
  readonly #client: InvgateClient;
  readonly #settings: InvgateSettings;
  readonly #attributes: Readonly<Record<Attribute, Lookup<Names>>>;
  readonly #helpdesks: Lookup<Tree>;
  readonly #categories: Lookup<Tree>;
  readonly #locations: Lookup<Names>;
  readonly #fields: Lookup<readonly FieldRow[]>;
  readonly #options: CachedByKey<Names, CallContext>;
  readonly #triggers: Lookup<Names>;

  constructor(client: InvgateClient, settings: InvgateSettings, io: VendorIo) {
    const cached = <T>(load: (context: CallContext) => Promise<T>): Lookup<T> => new Cached(load, io.clock);
    this.#client = client;
    this.#settings = settings;
    this.people = new InvgatePeople(client, io);
    const attribute = (name: Attribute): Lookup<Names> =>
      cached((context) => this.#loadNames(`GET incident.attributes.${name}`, context));
    this.#attributes = {
      priority: attribute('priority'),
      status: attribute('status'),
      type: attribute('type'),
      source: attribute('source'),
    };
    this.#helpdesks = cached((context) => this.#loadHelpdesks(context));
    this.#categories = cached((context) => this.#loadCategories(context));
    this.#locations = cached((context) => this.#loadNames('GET locations', context));
    this.#fields = cached(
      async (context) => (await client.rows('GET cf.fields.all', {}, FieldRow, context)).rows,
    );
    this.#options = new CachedByKey((uid, context) => this.#loadOptions(uid, context), io.clock);
    this.#triggers = cached((context) => this.#loadTriggers(context));
  }

  /** What is known without a call. */
  known(): Known {
    const names = (attribute: Attribute): Names => this.#attributes[attribute].peek() ?? BUILT_IN[attribute];
    const fields = this.#fields.peek() ?? [];
    return {
      attributes: {
        priority: names('priority'),
        status: names('status'),
        type: names('type'),
        source: names('source'),
      },
      helpdesks: this.#helpdesks.peek() ?? new Map(),
      categories: this.#categories.peek() ?? new Map(),
      locations: this.#locations.peek() ?? new Map(),
      fields: new Map(fields.flatMap(({ uid, label }) => (label === null ? [] : [[uid, deskLine(label)]]))),
      people: this.people.known(),
    };
  }

  /** Loads the names that these requests refer to; a list that lacks one of them is loaded again. */
  async prepare(rows: readonly Incident[], context: CallContext): Promise<Known> {
    if (rows.length === 0) return this.known();
    const ids = (pick: (row: Incident) => string | null): readonly string[] =>
      rows.map(pick).filter((id) => id !== null);
    for (const attribute of ATTRIBUTES) {
      await this.#cover(
        this.#attributes[attribute],
        ids((row) => row[`${attribute}_id`]),
        context,
      );
    }
    await this.#cover(
      this.#helpdesks,
      ids((row) => row.assigned_group_id),
      context,
    );
    await this.#cover(
      this.#categories,
      ids((row) => row.category_id),
      context,
    );
    const locations = ids((row) => row.location_id);
    if (locations.length > 0 && !this.#client.lacks('GET locations')) {
      await this.#cover(this.#locations, locations, context);
    }
    await this.#coverFields(rows, context);
    const people = rows.flatMap((row) => [
      row.user_id,
      row.creator_id,
      row.assigned_id,
      ...(row.comments ?? []).map((comment) => comment.author_id),
    ]);
    await this.people.load(people, context);
    return this.known();
  }

  async #cover(
    lookup: Lookup<ReadonlyMap<string, unknown>>,
    ids: readonly string[],
    context: CallContext,
  ): Promise<void> {
    if (ids.length === 0) return;
    const known = await lookup.get(context, READING_TTL_MS);
    if (ids.some((id) => !known.has(id))) await lookup.reload(context);
  }

  async #coverFields(rows: readonly Incident[], context: CallContext): Promise<void> {
    const uids = new Set(
      rows.flatMap((row) => (isRecord(row.custom_fields) ? Object.keys(row.custom_fields) : [])),
    );
    if (uids.size === 0) return;
    const known = new Set((await this.#fields.get(context, READING_TTL_MS)).map(({ uid }) => uid));
    if ([...uids].some((uid) => !known.has(uid))) await this.#fields.reload(context);
  }

  /** A category by path (`Hardware > Printer`), name or id; a name under several parents needs its path. */
  category(name: string, context: CallContext): Promise<Placed> {
    return this.#placed('category', name, this.#categories, context);
  }

  /** A help desk by path, name or id. */
  helpdesk(name: string, context: CallContext): Promise<Placed> {
    return this.#placed('help desk', name, this.#helpdesks, context);
  }

  /** All help desks, in the desk's order. */
  async helpdesks(context: CallContext): Promise<readonly Placed[]> {
    return [...(await this.#helpdesks.get(context)).values()];
  }

  async #placed(kind: string, name: string, lookup: Lookup<Tree>, context: CallContext): Promise<Placed> {
    const found =
      this.#pick(kind, name, await lookup.get(context)) ??
      this.#pick(kind, name, await lookup.reload(context));
    if (found !== null) return found;
    const known = [...(lookup.peek()?.values() ?? [])];
    const names = new Set([...known.map(({ path }) => path), ...known.map((placed) => placed.name)]);
    throw this.#client.refused(describeMiss(kind, name, [...names]));
  }

  #pick(kind: string, name: string, tree: Tree): Placed | null {
    const all = [...tree.values()];
    const byPath = all.filter(({ path }) => foldPath(path) === foldPath(name));
    const byName = all.filter((placed) => foldName(placed.name) === foldName(name));
    const byId = all.filter(({ id }) => id === name.trim());
    // A root's path is its name: both lists must be looked at before it is called unambiguous.
    for (const found of [name.includes('>') ? byPath : byName, byPath, byId]) {
      if (found.length > 1) {
        const paths = found.map(({ path }) => path).join(', ');
        throw this.#client.refused(`${kind} "${name}" is ambiguous: write one of ${paths}`);
      }
      if (found[0] !== undefined) return found[0];
    }
    return null;
  }

  /** A priority, status or type by the desk's name, the configured one, the English one, or id. */
  async attribute(
    attribute: Exclude<Attribute, 'source'>,
    name: string,
    context: CallContext,
  ): Promise<string> {
    const lookup = this.#attributes[attribute];
    const found =
      this.#pickName(attribute, name, await lookup.get(context)) ??
      this.#pickName(attribute, name, await lookup.reload(context));
    if (found !== null) return found;
    throw this.#client.refused(describeMiss(attribute, name, [...(lookup.peek()?.values() ?? [])]));
  }

  #pickName(attribute: Attribute, name: string, names: Names): string | null {
    const configured = attribute === 'status' ? Object.entries(this.#settings.names?.status ?? {}) : [];
    const wanted = foldName(name);
    for (const list of [configured, [...names], [...BUILT_IN[attribute]]]) {
      const found = list.find(([, known]) => foldName(known) === wanted);
      if (found !== undefined) return found[0];
    }
    return names.has(name.trim()) || BUILT_IN[attribute].has(name.trim()) ? name.trim() : null;
  }

  /** A custom field by name or uid. */
  async field(name: string, context: CallContext): Promise<FieldRow> {
    const pick = (fields: readonly FieldRow[]): FieldRow | undefined =>
      fields.find(
        ({ uid, label }) => foldName(deskLine(label ?? '')) === foldName(name) || uid === name.trim(),
      );
    const found = pick(await this.#fields.get(context)) ?? pick(await this.#fields.reload(context));
    if (found !== undefined) return found;
    const known = (this.#fields.peek() ?? []).map(({ label, uid }) => label ?? uid);
    throw this.#client.refused(describeMiss('custom field', name, known));
  }

  /** Options of a list field, label by key; empty for other kinds of field. */
  options(uid: string, context: CallContext): Promise<Names> {
    return this.#options.of(uid).get(context);
  }

  /** Names of the administrator's triggers; a new one reloads the list. */
  async triggers(ids: readonly string[], context: CallContext): Promise<Names> {
    await this.#cover(this.#triggers, ids, context);
    return this.#triggers.peek() ?? new Map();
  }

  async #loadNames(call: ReadCall, context: CallContext): Promise<Names> {
    const { rows } = await this.#client.rows(call, {}, NamedRow, context);
    return new Map(rows.flatMap(({ id, name }) => (name === null ? [] : [[id, deskLine(name)]])));
  }

  async #loadTriggers(context: CallContext): Promise<Names> {
    const { rows } = await this.#client.rows('GET triggers', {}, Trigger, context);
    return new Map(rows.map((row) => [row.id, deskLine(row.trigger_name ?? row.name ?? row.id)]));
  }

  async #loadHelpdesks(context: CallContext): Promise<Tree> {
    return toTree((await this.#client.rows('GET helpdesks', {}, NamedRow, context)).rows);
  }

  /** Page after page until one brings nothing new: older versions give the whole list on every page. */
  async #loadCategories(context: CallContext): Promise<Tree> {
    const all = new Map<string, NamedRow>();
    for (let page = 1; page <= MAX_PAGES; page += 1) {
      const query = { page, page_size: CATEGORIES_PAGE };
      const { rows } = await this.#client.rows('GET categories', query, NamedRow, context);
      const fresh = rows.filter(({ id }) => !all.has(id));
      for (const row of fresh) all.set(row.id, row);
      // More or fewer than asked for: the desk does not page, or this is the end.
      if (fresh.length === 0 || rows.length !== CATEGORIES_PAGE) break;
    }
    return toTree([...all.values()]);
  }

  /** Manual, `cf.field.options.list`: `{"key-value": {key: label}}`; a field that is no list has none, or an error. */
  async #loadOptions(uid: string, context: CallContext): Promise<Names> {
    const answer = await this.#client.raw('GET cf.field.options.list', { uid }, context);
    const options = isRecord(answer) ? answer['key-value'] : null;
    if (!isRecord(options)) return new Map();
    return new Map(Object.entries(options).map(([key, label]) => [key, deskLine(String(label))]));
  }
}

/** Rows with their paths; a parent that is missing or its own grandchild ends the path. */
export function toTree(rows: readonly NamedRow[]): Tree {
  const byId = new Map(rows.map((row) => [row.id, row]));
  const nameOf = (row: NamedRow): string => deskLine(row.name ?? row.id);
  const pathOf = (row: NamedRow): string => {
    const names: string[] = [];
    const seen = new Set<string>();
    for (let at: NamedRow | undefined = row; at !== undefined && !seen.has(at.id);) {
      names.unshift(nameOf(at));
      seen.add(at.id);
      at = byId.get(at.parent_id ?? at.parent_category_id ?? '');
    }
    return names.join(' > ');
  };
  return new Map(rows.map((row) => [row.id, { id: row.id, name: nameOf(row), path: pathOf(row) }]));
}

/** `Hardware>Printer` and `hardware > printer` are the same path. */
function foldPath(path: string): string {
  return foldName(path).split(/ ?> ?/).join(' > ');
}
