import { foldName } from '../names.ts';
import type { DeskAction, PlannedWrite } from '../vendor.ts';
import { DeskUser, LinkedTicket, TicketDetail } from './schema.ts';
import { requestJson, toJson, type OpenTicket, type Planner } from './write.ts';

/** Actions on lists: tags, subscribers, related tickets. Each is read first and left alone when it is so. */

type Change = Extract<DeskAction, { action: 'tag' | 'watch' }>;
type Link = Extract<DeskAction, { action: 'link' }>;

/**
 * Tags are added one by one, which disturbs nobody. Removing replaces the whole list (document, "UpdateTicket": "All
 * existing tags will be removed"), so then the list is read right before.
 */
export async function planTags(
  action: Change,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  const { client } = planner.reader;
  const comma = [...action.add, ...action.remove].find((tag) => tag.includes(','));
  if (comma !== undefined) throw client.refused(`tag "${comma}": Jitbit separates tags by commas`);
  const { value } = await client.one('ticket', { id: ticket.id }, TicketDetail, planner.context);
  const tags = (value.Tags ?? []).flatMap((tag) => (tag.Name === null ? [] : [tag.Name]));
  const has = (name: string): boolean => tags.some((tag) => foldName(tag) === foldName(name));

  const leaving = action.remove.filter(has);
  const missing = action.add.filter((name) => !has(name));
  if (leaving.length > 0 && !planner.done.has('tags')) {
    const kept = tags.filter((tag) => !leaving.some((name) => foldName(name) === foldName(tag)));
    return replaceTags(ticket.id, tags, [...kept, ...missing]);
  }
  const next = missing.find(
    (name) => !planner.done.has(`tag.${foldName(name)}`) && !planner.done.has('tags'),
  );
  if (next === undefined) return null;
  return {
    part: `tag.${foldName(next)}`,
    kind: 'state',
    sets: { tags: { from: toJson(tags), to: toJson([...tags, next]) } },
    append: null,
    request: requestJson({ call: 'TagTicket', form: { ticketId: ticket.id, name: next } }),
  };
}

function replaceTags(ticketId: string, from: readonly string[], to: readonly string[]): PlannedWrite {
  return {
    part: 'tags',
    kind: 'state',
    sets: { tags: { from: toJson(from), to: toJson(to) } },
    append: null,
    request: requestJson({ call: 'UpdateTicket', form: { id: ticketId, tags: to.join(',') } }),
  };
}

/** Subscribers, one call per person. */
export async function planWatch(
  action: Change,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  const { client, lookups } = planner.reader;
  const { rows } = await client.list('Subscribers', { id: ticket.id }, DeskUser, planner.context);
  const watching = new Set(rows.map((row) => row.UserID));
  const wanted = [
    ...action.add.map((name) => ({ name, call: 'AddSubscriber', present: true })),
    ...action.remove.map((name) => ({ name, call: 'RemoveSubscriber', present: false })),
  ];
  for (const { name, call, present } of wanted) {
    const { id } = await lookups.people.user(name, planner.context);
    const part = `${present ? 'watch' : 'unwatch'}.${id}`;
    if (watching.has(id) === present || planner.done.has(part)) continue;
    const request = requestJson({ call, form: { id: ticket.id, userId: id } });
    return { part, kind: 'state', sets: {}, append: null, request };
  }
  return null;
}

/** Related tickets. @param action `to` is an id, with or without `#` */
export async function planLink(
  action: Link,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  const { client } = planner.reader;
  const to = action.to.trim().replace(/^#/, '');
  if (!/^\d+$/.test(to)) throw client.refused(`link to "${action.to.slice(0, 50)}": expected a ticket id`);
  if (to === ticket.id) throw client.refused('link: a ticket cannot be linked with itself');
  if (planner.done.has('link')) return null;
  const { rows } = await client.list('LinkedTickets', { id: ticket.id }, LinkedTicket, planner.context);
  if (rows.some((row) => row.TicketID === to)) return null;
  const request = requestJson({ call: 'LinkTickets', form: { id: ticket.id, id2: to } });
  return { part: 'link', kind: 'state', sets: {}, append: null, request };
}
