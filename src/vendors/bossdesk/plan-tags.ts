import { foldName } from '../names.ts';
import type { DeskAction, PlannedWrite } from '../vendor.ts';
import type { FoundName } from './lookups.ts';
import { newUpdate, setField, toId, updateWrite, type OpenTicket, type Planner } from './write.ts';

type Change = Extract<DeskAction, { action: 'tag' | 'watch' }>;

/** `tag_ids` replaces all tags, so the list that was read goes back changed, under its `lock_version`. */
export async function planTags(
  action: Change,
  ticket: OpenTicket,
  planner: Planner,
): Promise<PlannedWrite | null> {
  if (planner.done.has('tags')) return null;
  const { lookups } = planner.reader;
  const current = ticket.observed.tags ?? [];
  const has = (name: string): boolean => current.some((tag) => foldName(tag) === foldName(name));
  const missing = action.add.filter((name) => !has(name));
  const leaving = action.remove.filter(has);
  if (missing.length === 0 && leaving.length === 0) return null;

  const added: FoundName[] = [];
  for (const name of missing) added.push(await lookups.named('tag', name, planner.context));
  const goes = (name: string | null): boolean =>
    leaving.some((one) => foldName(one) === foldName(name ?? ''));
  const kept = tagsOf(ticket).filter((tag) => !goes(tag.name));
  const wanted = [...kept, ...added];
  const update = newUpdate();
  update.body['tag_ids'] = wanted.map((tag) => toId(tag.id));
  setField(
    update,
    'tags',
    current,
    wanted.flatMap((tag) => (tag.name === null ? [] : [tag.name])),
  );
  return updateWrite('tags', 'state', ticket, update, planner);
}

/** The ticket's tags with their ids, as they were read. */
function tagsOf(ticket: OpenTicket): readonly FoundName[] {
  const raw = ticket.observed.raw;
  const tags = typeof raw === 'object' && raw !== null && 'tags' in raw ? raw.tags : null;
  if (!Array.isArray(tags)) return [];
  return tags.flatMap((tag: unknown) => {
    if (typeof tag !== 'object' || tag === null || !('id' in tag)) return [];
    const name = 'name' in tag && typeof tag.name === 'string' ? tag.name : null;
    return [{ id: String(tag.id), name }];
  });
}
