/**
 * How a name that a person wrote in a rule finds the thing it means at a desk. Pure.
 */

/**
 * Folds a name for comparison: width and compatibility forms (NFKC), case, the Turkish dotted and dotless i
 * (both become `i`, as in rule-matching.md 4), runs of white space.
 */
export function foldName(name: string): string {
  return name.normalize('NFKC').replace(/[İı]/g, 'i').toLowerCase().replace(/\s+/g, ' ').trim();
}

/** Insertions, deletions and substitutions between two short texts. */
function distance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substitution = (previous[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1);
      current.push(Math.min(substitution, (previous[j] ?? 0) + 1, (current[j - 1] ?? 0) + 1));
    }
    previous = current;
  }
  return previous[b.length] ?? 0;
}

/** Names longer than this are compared by their beginning only, so that a huge text costs nothing. */
const COMPARED_LENGTH = 60;

/** Up to `count` of the known names, nearest first. A name that contains the wanted one is as near as one letter off. */
export function nearestNames(wanted: string, known: readonly string[], count = 3): readonly string[] {
  const target = foldName(wanted).slice(0, COMPARED_LENGTH);
  const unique = [...new Set(known)].filter((name) => name !== '');
  const scored = unique.map((name) => {
    const folded = foldName(name).slice(0, COMPARED_LENGTH);
    const contained = target !== '' && (folded.includes(target) || target.includes(folded));
    return { name, score: contained ? 1 : distance(target, folded) };
  });
  scored.sort((a, b) => a.score - b.score || a.name.localeCompare(b.name));
  return scored.slice(0, count).map((entry) => entry.name);
}

/** `no category "Netwrok"; nearest: Network L1, Network L2`, for the error that a person reads. */
export function describeMiss(kind: string, wanted: string, known: readonly string[]): string {
  const nearest = nearestNames(wanted, known);
  const hint = nearest.length === 0 ? 'none is known' : `nearest: ${nearest.join(', ')}`;
  return `no ${kind} "${wanted.slice(0, 100)}"; ${hint}`;
}
