import type { Comment, Person } from '../../ticket.ts';
import type { DateParser } from '../http/dates.ts';
import { htmlToText } from '../http/text.ts';
import type { Known } from './known.ts';
import { fullName, kindOf } from './map-people.ts';
import type { TicketComment } from './schema.ts';

/** Bodies and comments. Pure. */

const HTML_MARK = '<!--html-->';
// Ends at the tag's name: looking for its `>` would take quadratic time on hostile text.
const LOOKS_LIKE_HTML =
  /<\/?(?:p|div|br|span|b|i|u|a|ul|ol|li|table|tr|td|html|body|font|strong|em|img|blockquote|h[1-6]|pre)[\s/>]/i;

/** Bodies are plain text unless they carry Jitbit's mark or plainly are HTML (reference 7). */
export function bodyText(body: string): string {
  if (body.startsWith(HTML_MARK) || LOOKS_LIKE_HTML.test(body)) return htmlToText(body);
  return body.replace(/\r\n?/g, '\n').trim();
}

/** Oldest first: the document does not say in which order they come. */
export function mapComments(
  rows: readonly TicketComment[],
  requesterId: string | null,
  known: Known,
  toInstant: DateParser,
): readonly Comment[] {
  const comments = rows.map((row): Comment => {
    const at = toInstant(row.CommentDate);
    return {
      id: row.CommentID,
      at,
      author: row.UserID === null ? null : commentAuthor(row, row.UserID, requesterId, known),
      text: row.Body === null ? null : bodyText(row.Body),
      public: !row.ForTechsOnly,
      system: row.IsSystem,
      solution: false,
    };
  });
  return comments.toSorted((a, b) => byTimeThenId(a, b));
}

function commentAuthor(row: TicketComment, id: string, requesterId: string | null, known: Known): Person {
  const name = fullName(row.FirstName, row.LastName) ?? row.UserName;
  const kind = id === requesterId ? 'requester' : kindOf(id, known, row.ForTechsOnly && !row.IsSystem);
  return { id, name, email: row.Email === '' ? null : row.Email, kind };
}

/** Ids are numbers in text; equal times are ordered by them. */
export function byTimeThenId(
  a: { readonly id: string; readonly at: string | null },
  b: { readonly id: string; readonly at: string | null },
): number {
  const time = (a.at ?? '').localeCompare(b.at ?? '');
  return time === 0 ? a.id.length - b.id.length || a.id.localeCompare(b.id) : time;
}
