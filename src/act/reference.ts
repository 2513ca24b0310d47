import { createHmac } from 'node:crypto';

const ALPHABET = 'abcdefghijklmnopqrstuvwxyz234567';

/**
 * The visible mark of an append that the vendor returns no id for: `[ref 7k3f9q]`. Keyed, so that nobody else can
 * make one up; the same for every try of a step.
 *
 * @param key made at the first migration
 */
export function referenceOf(stepId: string, key: string): string {
  const digest = createHmac('sha256', key).update(stepId).digest();
  const letters = Array.from(digest.subarray(0, 6), (byte) => ALPHABET[byte & 31]);
  return `[ref ${letters.join('')}]`;
}
