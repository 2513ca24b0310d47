import type { Comment } from '../../ticket.ts';
import type { DateParser } from '../http/dates.ts';
import { compareIds } from './ids.ts';
import type { Known } from './known.ts';
import { personOf } from './map.ts';
import type { DeskComment } from './schema.ts';
import { deskText } from './text.ts';

/** Comments, oldest first. @param requesterId a comment by this person is the requester's */
export function mapComments(
  rows: readonly DeskComment[],
  requesterId: string | null,
  known: Known,
  toInstant: DateParser,
): readonly Comment[] {
  const comments = rows.map((row): Comment => {
    const isRequester = row.author_id !== null && row.author_id === requesterId;
    return {
      id: row.id,
      at: toInstant(row.created_at),
      author: personOf(row.author_id, known, isRequester ? 'requester' : 'unknown'),
      text: row.message === null ? null : deskText(row.message),
      public: row.customer_visible,
      system: false,
      solution: row.is_solution ?? false,
    };
  });
  return comments.toSorted(byTimeThenId);
}

export function byTimeThenId(
  a: { readonly id: string; readonly at: string | null },
  b: { readonly id: string; readonly at: string | null },
): number {
  return (a.at ?? '').localeCompare(b.at ?? '') || compareIds(a.id, b.id);
}
