import type { Call } from '../support/calls.ts';
import { Refusal, text } from '../support/reply.ts';
import { parseIn } from '../support/zone.ts';

/** Readers of one call's parameters; names are case-insensitive, as in .NET; bad values are a readable 400. */
export interface Params {
  text(name: string): string | undefined;
  requiredText(name: string): string;
  int(name: string): number | undefined;
  requiredInt(name: string): number;
  ints(name: string): number[];
  bool(name: string, otherwise: boolean): boolean;
  /** `YYYY-MM-DD`, the only precision of the list filters. */
  date(name: string): string | undefined;
  /** A date and time as milliseconds; null when sent empty. */
  instant(name: string, zone: string): number | null | undefined;
  entries(): [string, string][];
}

export function paramsOf(call: Call): Params {
  const all = [...call.params].map(([name, value]): [string, string] => [
    name.toLowerCase().replace(/\[\]$/, ''),
    value,
  ]);
  const values = (name: string): string[] =>
    all.filter(([key]) => key === name.toLowerCase()).map(([, value]) => value);
  const readText = (name: string): string | undefined => values(name)[0];
  const readInt = (name: string): number | undefined => toInt(name, readText(name));
  return {
    text: readText,
    requiredText: (name) => readText(name) ?? missing(name),
    int: readInt,
    requiredInt: (name) => readInt(name) ?? missing(name),
    ints: (name) => values(name).map((value) => toInt(name, value) ?? missing(name)),
    bool: (name, otherwise) => toBool(name, readText(name)) ?? otherwise,
    date: (name) => {
      const value = readText(name);
      if (value === undefined || value === '') return undefined;
      return /^\d{4}-\d{2}-\d{2}/.exec(value)?.[0] ?? malformed(name, value);
    },
    instant: (name, zone) => {
      const value = readText(name);
      if (value === undefined || value === '') return value === undefined ? undefined : null;
      const at = parseIn(zone, value);
      return Number.isNaN(at) ? malformed(name, value) : at;
    },
    entries: () => all,
  };
}

function toInt(name: string, value: string | undefined): number | undefined {
  if (value === undefined || value === '') return undefined;
  return /^-?\d{1,10}$/.test(value) ? Number(value) : malformed(name, value);
}

function toBool(name: string, value: string | undefined): boolean | undefined {
  if (value === undefined || value === '') return undefined;
  if (/^true$/i.test(value)) return true;
  return /^false$/i.test(value) ? false : malformed(name, value);
}

function missing(name: string): never {
  throw new Refusal(text(`Parameter "${name}" is missing`, 400));
}

function malformed(name: string, value: string): never {
  throw new Refusal(text(`The value "${value}" is not valid for "${name}"`, 400));
}
