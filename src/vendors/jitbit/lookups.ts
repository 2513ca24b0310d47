import { describeMiss, foldName } from '../names.ts';
import type { CallContext, VendorIo } from '../vendor.ts';
import { Cached, CachedByKey } from '../cached.ts';
import type { JitbitClient } from './client.ts';
import type { Known, KnownCategory } from './known.ts';
import { JitbitPeople } from './people.ts';
import { DeskCategory, FieldDefinition } from './schema.ts';
import type { JitbitSettings } from './settings.ts';
import { JitbitStatuses } from './statuses.ts';

/**
 * Names to ids and back. Whatever a rule names is looked for by id, name and path (people: also e-mail and user
 * name), without regard to case; a miss reloads the list once and is then refused with the nearest names.
 */

/** Names of persons and categories change rarely: reading tickets believes them longer than writing does. */
const READING_TTL_MS = 60 * 60_000;

export class JitbitLookups {
  readonly people: JitbitPeople;
  readonly statuses: JitbitStatuses;
  readonly #client: JitbitClient;
  readonly #categories: Cached<ReadonlyMap<string, KnownCategory>, CallContext>;
  readonly #fields: CachedByKey<readonly FieldDefinition[], CallContext>;

  constructor(client: JitbitClient, settings: JitbitSettings, io: VendorIo) {
    this.#client = client;
    this.people = new JitbitPeople(client, io);
    this.statuses = new JitbitStatuses(client, settings, io);
    this.#categories = new Cached((context) => this.#loadCategories(context), io.clock);
    this.#fields = new CachedByKey((categoryId, context) => this.#loadFields(categoryId, context), io.clock);
  }

  /** What is known without a call. */
  known(): Known {
    return { categories: this.#categories.peek() ?? new Map(), agents: this.people.agents() };
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
    if (people) await this.people.prepare(context, READING_TTL_MS);
    return this.known();
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

  /** The name of a category as people write it; its id while it is not known. */
  categoryName(id: string): string {
    return this.#categories.peek()?.get(id)?.path ?? id;
  }

  /** Custom fields of a category with their options (document, "CustomFieldsForCategory"). */
  async field(name: string, categoryId: string, context: CallContext): Promise<FieldDefinition> {
    const fields = this.#fields.of(categoryId);
    const pick = (all: readonly FieldDefinition[]): FieldDefinition | undefined =>
      all.find(
        (field) => foldName(field.FieldName ?? '') === foldName(name) || field.FieldID === name.trim(),
      );
    const found = pick(await fields.get(context)) ?? pick(await fields.reload(context));
    if (found !== undefined) return found;
    const known = (fields.peek() ?? []).map((field) => field.FieldName ?? field.FieldID);
    const miss = describeMiss('custom field', name, known);
    throw this.#client.refused(`${miss} (fields of category ${this.categoryName(categoryId)})`);
  }

  async #loadCategories(context: CallContext): Promise<ReadonlyMap<string, KnownCategory>> {
    const { rows } = await this.#client.list('categories', {}, DeskCategory, context);
    return new Map(rows.map((row) => [row.CategoryID, toCategory(row)]));
  }

  async #loadFields(categoryId: string, context: CallContext): Promise<readonly FieldDefinition[]> {
    return (await this.#client.list('CustomFieldsForCategory', { categoryId }, FieldDefinition, context))
      .rows;
  }
}

function toCategory(row: DeskCategory): KnownCategory {
  const name = row.Name ?? row.CategoryID;
  const section = row.SectionID === null ? null : { id: row.SectionID, name: row.Section };
  const path = row.Section === null || row.Section === '' ? name : `${row.Section} > ${name}`;
  return { id: row.CategoryID, name, path, section };
}

/** `Hardware > Printer` and `Hardware \ Printer` are the same path. */
function foldPath(path: string): string {
  return foldName(path)
    .split(/ ?[>\\] ?/)
    .join(' > ');
}
