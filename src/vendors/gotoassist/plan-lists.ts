import { z } from 'zod';
import type { DeskAction, PlannedWrite } from '../vendor.ts';
import { otherIn } from './others.ts';
import { Links, Watch } from './schema.ts';
import { toId, type OpenTicket, type Planner } from './write.ts';

/** Watches and links. Each is read first and left alone when it is so: a second watch may be possible. */

type Change = Extract<DeskAction, { action: 'tag' | 'watch' }>;
type Link = Extract<DeskAction, { action: 'link' }>;

const Watches = z.union([
  z.object({ watches: z.array(Watch) }),
  z.array(Watch).transform((watches) => ({ watches })),
]);

export async function planWatch(
  action: Change,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  const { client, people } = planner.reader;
  const path = `incidents/${ticket.id}/watches`;
  const { watches } = (await client.get(path, {}, Watches, planner.context)).value;
  for (const name of action.add) {
    const { id } = await people.user(name, planner.context);
    const part = `watch.${id}`;
    if (watches.some((watch) => watch.watched_by?.id === id) || planner.done.has(part)) continue;
    const request = { method: 'POST', path, body: { watch: { watched_by: toId(id) } } };
    return { part, kind: 'state', sets: {}, append: null, request };
  }
  for (const name of action.remove) {
    const { id } = await people.user(name, planner.context);
    const found = watches.find((one) => one.watched_by?.id === id && !planner.done.has(`unwatch.${one.id}`));
    if (found === undefined) continue;
    const request = { method: 'DELETE', path: `${path}/${found.id}`, body: null };
    return { part: `unwatch.${found.id}`, kind: 'state', sets: {}, append: null, request };
  }
  return null;
}

/**
 * Guide, "Create Link": exactly one id of another record.
 *
 * @param action `to` is a reference number, with or without `B#`, or `problem-20`, `change-3`, `release-4`
 */
export async function planLink(
  action: Link,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  const { client } = planner.reader;
  const to = action.to.trim();
  const other = otherIn(to.toLowerCase());
  const kind = other?.kind ?? 'incident';
  const number = other?.number ?? to.replace(/^B?#/i, '');
  if (!/^\d+$/.test(number)) {
    throw client.refused(
      `link to "${action.to.slice(0, 50)}": expected a reference number, or one such as problem-20`,
    );
  }
  if (number === ticket.id && other === null) {
    throw client.refused('link: an incident cannot be linked with itself');
  }
  if (planner.done.has('link')) return null;
  const path = `links/incidents/${ticket.id}`;
  const links = (await client.get(path, {}, Links, planner.context)).value;
  if (links[`${kind}s`]?.includes(number) === true) return null;
  const request = { method: 'POST', path, body: { [`${kind}_id`]: toId(number) } };
  return { part: 'link', kind: 'state', sets: {}, append: null, request };
}
