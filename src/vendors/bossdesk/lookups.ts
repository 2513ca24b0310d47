import type { Named } from '../../ticket.ts';
import { Cached } from '../cached.ts';
import { describeMiss, foldName } from '../names.ts';
import type { CallContext, VendorIo } from '../vendor.ts';
import type { BossdeskClient } from './client.ts';
import { CustomField, LookupRow } from './schema.ts';

/**
 * Names to ids. The lists are unpaged and unsearchable (manual: "Pagination No, Search No"); a name that is not in
 * one reloads it once and is then refused with the nearest names.
 */

/** Names change rarely: reading tickets believes them longer than writing does. */
const READING_TTL_MS = 60 * 60_000;

export type FoundName = Named & { readonly id: string; readonly name: string | null };

/** Which list, and how a rule's author calls one of it. */
const LISTS = {
  category: 'helpdesk_categories',
  'extended status': 'helpdesk_extended_statuses',
  priority: 'helpdesk_priorities',
  type: 'ticket_types',
  team: 'teams',
  tag: 'tags',
} as const;
export type LookupKind = keyof typeof LISTS;

export class BossdeskLookups {
  readonly #client: BossdeskClient;
  readonly #lists: ReadonlyMap<LookupKind, Cached<readonly FoundName[], CallContext>>;
  readonly #fields: Cached<ReadonlyMap<string, CustomField>, CallContext>;

  constructor(client: BossdeskClient, io: VendorIo) {
    this.#client = client;
    this.#lists = new Map(
      (Object.keys(LISTS) as LookupKind[]).map((kind) => [
        kind,
        new Cached((context: CallContext) => this.#load(kind, context), io.clock),
      ]),
    );
    this.#fields = new Cached((context) => this.#loadFields(context), io.clock);
  }

  /** All of a list. */
  async all(kind: LookupKind, context: CallContext): Promise<readonly FoundName[]> {
    return (await this.#lists.get(kind)?.get(context)) ?? [];
  }

  /** By name or id. @throws VendorError `refused` with the nearest names */
  async named(kind: LookupKind, name: string, context: CallContext): Promise<FoundName> {
    const list = this.#lists.get(kind);
    if (list === undefined) throw this.#client.refused(`there is no list of ${kind}`);
    const found =
      this.#pick(kind, name, await list.get(context)) ?? this.#pick(kind, name, await list.reload(context));
    if (found !== null) return found;
    const known = (list.peek() ?? []).map((row) => row.name ?? row.id);
    throw this.#client.refused(describeMiss(kind, name, known));
  }

  /** Custom fields of tickets by id, for reading. */
  fields(context: CallContext): Promise<ReadonlyMap<string, CustomField>> {
    return this.#fields.get(context, READING_TTL_MS);
  }

  /** A custom field by name or id, for writing. @throws VendorError `refused` with the nearest names */
  async field(name: string, context: CallContext): Promise<CustomField> {
    const pick = (all: ReadonlyMap<string, CustomField>): CustomField | undefined =>
      [...all.values()].find((one) => foldName(one.name ?? '') === foldName(name)) ?? all.get(name.trim());
    const found = pick(await this.#fields.get(context)) ?? pick(await this.#fields.reload(context));
    if (found !== undefined) return found;
    const known = [...(this.#fields.peek()?.values() ?? [])].map((one) => one.name ?? one.id);
    throw this.#client.refused(describeMiss('custom field', name, known));
  }

  #pick(kind: LookupKind, name: string, all: readonly FoundName[]): FoundName | null {
    const same = all.filter((row) => foldName(row.name ?? '') === foldName(name));
    if (same.length > 1) {
      const ids = same.map((row) => row.id).join(', ');
      throw this.#client.refused(`${kind} "${name}" is ambiguous: write one of the ids ${ids}`);
    }
    return same[0] ?? all.find((row) => row.id === name.trim()) ?? null;
  }

  async #load(kind: LookupKind, context: CallContext): Promise<readonly FoundName[]> {
    const { rows } = await this.#client.list(LISTS[kind], {}, LookupRow, context);
    // Manual, "Tags": possible owner classes are ci, user and ticket.
    const own = rows.filter(({ owner_class: owner }) => owner === null || owner === 'ticket');
    return own.map(({ id, name }) => ({ id, name }));
  }

  async #loadFields(context: CallContext): Promise<ReadonlyMap<string, CustomField>> {
    const { rows } = await this.#client.list('custom_fields', {}, CustomField, context);
    const own = rows.filter(({ owner_class: owner }) => owner === 'ticket');
    return new Map(own.map((row) => [row.id, row]));
  }
}
