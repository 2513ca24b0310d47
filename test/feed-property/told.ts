import type { Change } from '../../src/event.ts';
import type { Ticket } from '../../src/ticket.ts';

/** What an event says, in the words of a stage's `Look`. */

/** A field of an event's ticket. */
export function toldField(field: string, ticket: Pick<Ticket, keyof Ticket>): string | null {
  if (field.startsWith('custom.')) {
    return plain(field, ticket.custom[field.slice('custom.'.length)]?.value ?? null);
  }
  return plain(field, ticket[field as keyof Ticket]);
}

/** Both sides of one change. */
export function toldChange(field: string, change: Change): { from: string | null; to: string | null } {
  return { from: plain(field, change.from), to: plain(field, change.to) };
}

function plain(field: string, value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (Array.isArray(value)) return value.map(String).toSorted().join();
  if (typeof value !== 'object') return String(value as string | number | boolean);
  const { id, level } = value as { id?: string | null; level?: string | null };
  return (field === 'priority' ? level : id) ?? null;
}
