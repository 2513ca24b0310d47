import type { DeskEvent } from '../event.ts';
import { type Folding, foldingOf } from './fold.ts';
import type { MatchSettings } from './matcher.ts';

/** Finds the folding of an event's connection; most installations have but one. */
export function foldings(settings: MatchSettings): (event: DeskEvent) => Folding {
  const turkic = Object.values(settings.locales).some((locale) => foldingOf(locale) === 'turkic');
  return turkic ? (event) => foldingFor(settings, event) : () => 'plain';
}

/** The folding of an event's connection. */
export function foldingFor(settings: MatchSettings, { connection }: DeskEvent): Folding {
  return foldingOf(Object.hasOwn(settings.locales, connection) ? settings.locales[connection] : undefined);
}

/** Builds each folding's form when it is first needed: hardly any installation has both. */
export function perFolding<T>(build: (folding: Folding) => T): (folding: Folding) => T {
  const built = new Map<Folding, T>();
  return (folding) => {
    const known = built.get(folding);
    if (known !== undefined) return known;
    const fresh = build(folding);
    built.set(folding, fresh);
    return fresh;
  };
}
