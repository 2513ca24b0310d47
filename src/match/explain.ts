import type { LeafNode, Test } from './condition.ts';
import type { Leaf, MatchSettings } from './matcher.ts';
import { positionsOn } from './leaf-test.ts';
import type { EventReader, FieldSlot } from './reader.ts';
import type { Reading } from './values.ts';

/** Explains one leaf: what it wanted, what it got, and why it is not plainly true or false. */
export function explainLeaf(
  leaf: LeafNode,
  slot: FieldSlot,
  holds: boolean,
  reader: EventReader,
  settings: MatchSettings,
): Leaf {
  const note = noteOn(leaf, slot, reader, settings);
  const unknown = note === 'never fetched' || note === 'no configuration';
  const changed = leaf.test.kind === 'changed' && reader.event.type !== 'ticket.created';
  return {
    path: leaf.field.name,
    operator: leaf.operator,
    wanted: leaf.wanted,
    got: changed ? reader.change(slot) : reader.read(slot).raw,
    truth: unknown ? 'unknown' : holds ? 'true' : 'false',
    note,
    groups: leaf.groups,
  };
}

function noteOn(leaf: LeafNode, slot: FieldSlot, reader: EventReader, settings: MatchSettings): Leaf['note'] {
  const { test } = leaf;
  if (needsConfiguration(test, settings)) return 'no configuration';
  if (test.kind === 'changed') {
    if (reader.event.type === 'ticket.created' || reader.change(slot) !== undefined) return null;
    return isUnfetched(leaf, reader) ? 'no earlier snapshot' : null;
  }
  const reading = reader.read(slot);
  if (reading.scalars.length === 0) {
    if (isUnfetched(leaf, reader)) return 'never fetched';
    if (test.kind === 'empty') return null;
    return reading.raw === undefined || Array.isArray(reading.raw) ? 'absent' : 'wrong type';
  }
  return fits(test, reading) ? null : 'wrong type';
}

function needsConfiguration(test: Test, settings: MatchSettings): boolean {
  if (test.kind === 'in_list') return settings.lists === null || !Object.hasOwn(settings.lists, test.list);
  const spanned = test.kind === 'older_than' || test.kind === 'within';
  return spanned && test.span.calendar !== undefined && settings.workingMs === null;
}

/** `unknown` names whole fields (`requester`) or parts (`requester.email`). */
function isUnfetched({ field }: LeafNode, { event }: EventReader): boolean {
  const unknown: unknown = event.unknown;
  if (!Array.isArray(unknown) || unknown.length === 0) return false;
  const names = field.name.split('.').map((_, index, parts) => parts.slice(0, index + 1).join('.'));
  return unknown.some((name) => names.includes(String(name)) || name === field.diffedAs);
}

/** Whether any value found is of a type that the test can look at. */
function fits(test: Test, reading: Reading): boolean {
  const has = (type: 'string' | 'number' | 'boolean'): boolean =>
    reading.scalars.some((value) => typeof value === type);
  switch (test.kind) {
    case 'equals':
    case 'has_all':
    case 'only':
      return test.values.some((value) => has(typeof value as 'string' | 'number' | 'boolean'));
    case 'range':
      return positionsOn(test.scale, reading).some((value) => !Number.isNaN(value));
    case 'older_than':
    case 'within':
    case 'overdue':
      return positionsOn('time', reading).length > 0;
    case 'empty':
    case 'changed':
      return true;
    default:
      return has('string');
  }
}
