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

/** Up to `count` of the known names that are near, nearest first. One that contains the wanted name is one letter off. */
export function nearestNames(wanted: string, known: readonly string[], count = 3): readonly string[] {
  const target = foldName(wanted).slice(0, COMPARED_LENGTH);
  const unique = [...new Set(known)].filter((name) => name !== '');
  const scored = unique.map((name) => {
    const folded = foldName(name).slice(0, COMPARED_LENGTH);
    const contained = target !== '' && (folded.includes(target) || target.includes(folded));
    return { name, score: contained ? 1 : distance(target, folded) };
  });
  const near = scored.filter(({ score }) => score <= Math.max(1, Math.ceil(target.length / 2)));
  return near
    .toSorted((a, b) => a.score - b.score || a.name.localeCompare(b.name))
    .slice(0, count)
    .map((entry) => entry.name);
}

/** Names that are listed when none is near. */
const LISTED = 5;

/** `no category "Netwrok"; nearest: Network L1, Network L2`, for the error that a person reads. */
export function describeMiss(kind: string, wanted: string, known: readonly string[]): string {
  const nearest = nearestNames(wanted, known);
  const miss = `no ${kind} "${wanted.slice(0, 100)}"`;
  if (nearest.length > 0) return `${miss}; nearest: ${nearest.join(', ')}`;
  if (known.length === 0) return `${miss}; none is known`;
  const more = known.length > LISTED ? `, … (${known.length})` : '';
  return `${miss}; known: ${known.slice(0, LISTED).join(', ')}${more}`;
}
