import type { Category, Person } from '../../ticket.ts';

/** A thing with a place in a tree: help desks, categories. */
export interface Placed extends Category {
  readonly id: string;
  readonly name: string;
  /** `Hardware > Printer`. */
  readonly path: string;
}

export type KnownPerson = Person & { readonly id: string };

/** Lists that InvGate calls attributes of a request. */
export const ATTRIBUTES = ['priority', 'status', 'type', 'source'] as const;
export type Attribute = (typeof ATTRIBUTES)[number];

/** What the lookups know at this moment; a list not loaded yet is empty. */
export interface Known {
  readonly attributes: Readonly<Record<Attribute, ReadonlyMap<string, string>>>;
  readonly helpdesks: ReadonlyMap<string, Placed>;
  readonly categories: ReadonlyMap<string, Placed>;
  readonly locations: ReadonlyMap<string, string>;
  /** Names of custom fields by uid. */
  readonly fields: ReadonlyMap<string, string>;
  readonly people: ReadonlyMap<string, KnownPerson>;
}

/** Ids and English names (integration reference 2.6); desks localise the names, so these are only the last resort. */
export const BUILT_IN: Known['attributes'] = {
  priority: numbered('Low', 'Medium', 'High', 'Urgent', 'Critical'),
  status: numbered('New', 'Open', 'Pending', 'Waiting', 'Solved', 'Closed', 'Rejected', 'Cancelled'),
  type: numbered('Incident', 'Service request', 'Question', 'Problem', 'Change', 'Major incident'),
  source: new Map(),
};

export const NOTHING_KNOWN: Known = {
  attributes: BUILT_IN,
  helpdesks: new Map(),
  categories: new Map(),
  locations: new Map(),
  fields: new Map(),
  people: new Map(),
};

function numbered(...names: readonly string[]): ReadonlyMap<string, string> {
  return new Map(names.map((name, index) => [String(index + 1), name]));
}
