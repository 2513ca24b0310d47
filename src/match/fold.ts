/**
 * Text folding: two texts that a person would call the same word compare equal. Case, width and ligatures
 * (NFKC), final sigma, sharp s, and the Turkish i.
 */

/** `turkic` keeps ı and i apart (I ↔ ı, İ ↔ i); `plain` makes one letter of all four. */
export type Folding = 'plain' | 'turkic';

/** The folding of a connection's `locale`, e.g. `tr` or `tr-TR`; only Turkish and Azeri differ. */
export function foldingOf(locale: string | undefined): Folding {
  return locale !== undefined && /^(tr|az)\b/i.test(locale) ? 'turkic' : 'plain';
}

// oxlint-disable-next-line no-control-regex -- all of ASCII is meant
const ASCII = /^[\x00-\x7f]*$/;

/** Folds a text for comparison. Idempotent. */
export function fold(text: string, folding: Folding = 'plain'): string {
  if (folding === 'plain')
    return ASCII.test(text) ? text.toLowerCase() : foldUnicode(text).replaceAll('ı', 'i');
  if (!ASCII.test(text)) return foldUnicode(text, 'ı');
  return text.replaceAll('I', 'ı').toLowerCase();
}

/** NFKC runs again at the end because lower-casing can take its form away. */
function foldUnicode(text: string, capitalI = 'i'): string {
  return text
    .normalize('NFKC')
    .replaceAll('İ', 'i')
    .replaceAll('I', capitalI)
    .toLowerCase()
    .replaceAll('i\u0307', 'i')
    .replaceAll('ς', 'σ')
    .replaceAll('ß', 'ss')
    .normalize('NFKC');
}
