import { createZone } from './zone.ts';

/** A rota: people who take turns, from a local moment on. */
export interface Rota {
  readonly name: string;
  readonly people: readonly string[];
  readonly rotate: 'daily' | 'weekly';
  /** When the first person's first turn begins: what the wall clock shows, as ms. */
  readonly fromLocalMs: number;
  readonly timeZone: string;
}

const DAY_MS = 86_400_000;

/** Who is on call at an instant. Turns change at the same wall clock time, whatever the clocks do in between. */
export function onCallAt(rota: Rota, ms: number): string | null {
  const local = ms + createZone(rota.timeZone).offsetAt(ms);
  const turnMs = rota.rotate === 'daily' ? DAY_MS : 7 * DAY_MS;
  const turn = Math.floor((local - rota.fromLocalMs) / turnMs);
  // Before the start nobody is said to be on call.
  if (turn < 0) return null;
  return rota.people[turn % rota.people.length] ?? null;
}

/** `{{ oncall.<name> }}` of all rotas; empty text where nobody is on call yet. */
export function onCallNow(rotas: readonly Rota[], ms: number): Readonly<Record<string, string>> {
  return Object.fromEntries(rotas.map((rota) => [rota.name, onCallAt(rota, ms) ?? '']));
}
