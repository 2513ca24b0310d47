import type { Call } from '../support/calls.ts';
import { parseIn } from '../support/zone.ts';
import { statusOf, type BossCore, type BossSearchMode } from './core.ts';
import type { BossTicket } from './state.ts';

/** Pages: 15 rows by default, `per_page` between 1 and 30, anything else is clamped. */
export function paged<T>(call: Call, rows: readonly T[]): T[] {
  const size = Math.min(Math.max(Number(call.params.get('per_page') ?? 15) || 15, 1), 30);
  const page = Math.max(Number(call.params.get('page') ?? 1) || 1, 1);
  return rows.slice((page - 1) * size, page * size);
}

type Value = string | number | null;

/** The attributes a search may name; others are ignored without a word, as Ransack does by default. */
const attributes: Readonly<Record<string, (ticket: BossTicket) => Value>> = {
  id: (ticket) => ticket.id,
  friendly_id: (ticket) => ticket.friendlyId,
  title: (ticket) => ticket.title,
  status: statusOf,
  updated_at: (ticket) => ticket.updatedAt,
  created_at: (ticket) => ticket.createdAt,
  closed_at: (ticket) => ticket.closedAt,
  due_at: (ticket) => ticket.dueAt,
  requester_id: (ticket) => ticket.requesterId,
  agent_id: (ticket) => ticket.agentId,
};

const predicates: Readonly<Record<string, (value: Value, wanted: Value) => boolean>> = {
  not_eq: (value, wanted) => value !== wanted,
  eq: (value, wanted) => value === wanted,
  gteq: (value, wanted) => value !== null && wanted !== null && value >= wanted,
  lteq: (value, wanted) => value !== null && wanted !== null && value <= wanted,
  gt: (value, wanted) => value !== null && wanted !== null && value > wanted,
  lt: (value, wanted) => value !== null && wanted !== null && value < wanted,
  cont: (value, wanted) => String(value).toLowerCase().includes(String(wanted).toLowerCase()),
  null: (value) => value === null,
};

/** Applies `q[attribute_predicate]=value` and `q[s]=attribute direction`, as far as the desk's mode goes. */
export function searched(core: BossCore, call: Call, mode: BossSearchMode): BossTicket[] {
  const rows = [...core.state.tickets.values()].sort((one, other) => other.friendlyId - one.friendlyId);
  if (mode === 'ignores') return rows;
  const tests = [...call.params].flatMap(([key, value]) => conditionOf(core, key, value) ?? []);
  const found = rows.filter((row) => tests.every((test) => test(row)));
  return mode === 'ignores_sort' ? found : sorted(found, call.params.get('q[s]') ?? '');
}

function conditionOf(core: BossCore, key: string, value: string): ((ticket: BossTicket) => boolean) | null {
  const condition = /^q\[(\w+)\]$/.exec(key)?.[1] ?? '';
  const name = Object.keys(predicates).find((predicate) => condition.endsWith(`_${predicate}`));
  const attribute = attributes[condition.slice(0, -(name?.length ?? 0) - 1)];
  const predicate = predicates[name ?? ''];
  if (attribute === undefined || predicate === undefined) return null;
  return (ticket) => {
    const actual = attribute(ticket);
    return predicate(actual, wantedValue(core, condition, actual, value));
  };
}

/** Times without `Z` are read in the account's zone; a millisecond time never equals the column's microseconds. */
function wantedValue(core: BossCore, condition: string, actual: Value, value: string): Value {
  if (condition.includes('_at_')) return parseIn(core.behaviour.timeZone, value) * 1000;
  return typeof actual === 'number' ? Number(value) : value;
}

/** An unknown sort is ignored. */
function sorted(rows: BossTicket[], sort: string): BossTicket[] {
  const [name = '', direction = 'asc'] = sort.split(' ');
  const attribute = attributes[name];
  if (attribute === undefined) return rows;
  const sign = direction === 'desc' ? -1 : 1;
  const order = (one: BossTicket, other: BossTicket): number => {
    const [left, right] = [attribute(one) ?? 0, attribute(other) ?? 0];
    return left === right ? one.id - other.id : left < right ? -sign : sign;
  };
  return [...rows].sort(order);
}
