import { fold } from '../match/fold.ts';
import type { Ticket } from '../ticket.ts';

/** One word alone ("Help", "Printer") says too little to call two tickets the same news. */
const LEAST_WORDS = 2;
const MAX_LENGTH = 200;

/**
 * What tickets have in common that resemble each other: the priority and the title's words, folded, without those that
 * hold a digit. Pure. @returns null for a ticket that resembles no other one
 */
export function likenessOf({ title, priority }: Pick<Ticket, 'title' | 'priority'>): string | null {
  const words = fold(title ?? '')
    .split(/[^\p{L}\p{M}\p{N}]+/u)
    .filter((word) => word !== '' && !/\p{N}/u.test(word));
  if (words.length < LEAST_WORDS) return null;
  return `${priority?.level ?? priority?.name ?? ''}|${words.join(' ').slice(0, MAX_LENGTH)}`;
}
