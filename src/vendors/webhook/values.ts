import { PRIORITY_LEVELS, type Category, type Named, type Person, type Priority } from '../../ticket.ts';
import { foldName } from '../names.ts';

/**
 * What the values of a sender's JSON become in a ticket. Nothing here throws: a value that does not fit is null.
 * Pure.
 */

/** A scalar as text; ids keep every digit because the parser leaves long integers as text. Empty text is kept. */
export function toText(value: unknown): string | null {
  if (typeof value === 'string') return value;
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : null;
  return typeof value === 'boolean' ? String(value) : null;
}

/** An id: text, or an integer that JSON could carry exactly. */
export function toId(value: unknown): string | null {
  if (typeof value === 'number' && !Number.isSafeInteger(value)) return null;
  const text = toText(value)?.trim() ?? '';
  return text === '' ? null : text;
}

/** A bare name, or an object with `id` and `name`. */
export function toNamed(value: unknown): Named | null {
  if (isRecord(value)) {
    const id = toId(own(value, 'id'));
    const name = toText(own(value, 'name'));
    return id === null && name === null ? null : { id, name };
  }
  const name = toText(value);
  return name === null || name === '' ? null : { id: null, name };
}

/** As {@link toNamed}; a name written as a path (`Hardware > Printer`) is also the path. */
export function toCategory(value: unknown): Category | null {
  const named = toNamed(value);
  if (named === null) return null;
  const { id, name } = named;
  if (name === null || !name.includes('>')) return { id, name, path: null };
  const steps = name.split('>').map((part) => part.trim());
  return { id, name: steps.at(-1) ?? name, path: steps.join(' > ') };
}

/** A bare e-mail or name, or an object with `id`, `name`, `email`. */
export function toPerson(value: unknown, kind: Person['kind']): Person | null {
  if (isRecord(value)) {
    const person = {
      id: toId(own(value, 'id')),
      name: toText(own(value, 'name')),
      email: toText(own(value, 'email')),
    };
    return person.id === null && person.name === null && person.email === null ? null : { ...person, kind };
  }
  const text = toText(value)?.trim() ?? '';
  if (text === '') return null;
  return text.includes('@')
    ? { id: null, name: null, email: text, kind }
    : { id: null, name: text, email: null, kind };
}

/** A list of scalars; a scalar is a list of one. */
export function toTags(value: unknown): readonly string[] {
  const items = Array.isArray(value) ? value : [value];
  return items.map(toText).filter((tag) => tag !== null && tag !== '') as string[];
}

export type ToPriority = (value: unknown) => Priority | null;

/**
 * Makes the mapping of priorities: a level's name, a rank 1 to 5, or a name from the configuration. Others keep
 * their name without a level.
 *
 * @param names `names.priority` of the connection: the sender's name to a level's name or rank
 */
export function createToPriority(names: Readonly<Record<string, string | number>>): ToPriority {
  const known = new Map<string, Priority>();
  const add = (name: string, level: Priority['level']): void => {
    known.set(foldName(name), { id: null, name, level });
  };
  for (const [index, level] of PRIORITY_LEVELS.entries()) {
    add(level, level);
    add(String(index + 1), level);
  }
  for (const [name, level] of Object.entries(names))
    add(name, known.get(foldName(String(level)))?.level ?? null);
  return (value) => {
    const name = isRecord(value) ? toText(own(value, 'name')) : toText(value);
    if (name === null || name.trim() === '') return null;
    const found = known.get(name) ?? known.get(foldName(name));
    if (found === undefined) return { id: null, name, level: null };
    return found.name === name ? found : { ...found, name };
  };
}

/** True if a configured level is one: `critical`, `5`. */
export function isLevel(level: string | number): boolean {
  const text = String(level);
  return (PRIORITY_LEVELS as readonly string[]).includes(foldName(text)) || /^[1-5]$/.test(text);
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** `__proto__` and friends are not fields of anything. */
function own(value: Readonly<Record<string, unknown>>, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}
