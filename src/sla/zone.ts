/**
 * A time zone as pieces of constant offset, so that local times are plain numbers: "local ms" are the milliseconds
 * that a wall clock shows, counted as if they were UTC.
 */

/** From `fromMs` on (until the next piece) local time = UTC + `offsetMs`. */
export interface ZonePiece {
  readonly fromMs: number;
  readonly toMs: number;
  readonly offsetMs: number;
}

export interface Zone {
  readonly name: string;
  /** What a wall clock shows, as ms. */
  offsetAt(ms: number): number;
  /** The pieces that make up [fromMs, toMs), cut to it. */
  pieces(fromMs: number, toMs: number): readonly ZonePiece[];
  /**
   * The instant at which a wall clock shows `localMs`. A time that a clock change skips is the moment of the change;
   * of a time that comes twice it is the first.
   */
  toInstant(localMs: number): number;
  /** All instants at which a wall clock shows `localMs`: none in a skipped hour, two in one that comes twice. */
  instantsOf(localMs: number): readonly number[];
}

const DAY_MS = 86_400_000;
/** No zone is further from UTC (Line Islands are 14 h ahead). */
const MAX_OFFSET_MS = 15 * 3_600_000;
/** Offsets are looked up once per UTC day; that many days are remembered before starting anew. */
const DAYS_KEPT = 8_000;

/** @throws RangeError for a zone that this process does not know */
export function createZone(name: string): Zone {
  const clock = wallClock(name);
  const days = new Map<number, readonly ZonePiece[]>();

  /** At most one clock change is looked for between two neighbouring midnights; none has ever had two. */
  function piecesOfDay(day: number): readonly ZonePiece[] {
    const known = days.get(day);
    if (known !== undefined) return known;
    if (days.size >= DAYS_KEPT) days.clear();
    const fromMs = day * DAY_MS;
    const toMs = fromMs + DAY_MS;
    const [before, after] = [clock(fromMs), clock(toMs)];
    const made: ZonePiece[] = [];
    if (before === after) made.push({ fromMs, toMs, offsetMs: before });
    else {
      const changeMs = findChange(clock, fromMs, toMs, before);
      made.push({ fromMs, toMs: changeMs, offsetMs: before });
      if (changeMs < toMs) made.push({ fromMs: changeMs, toMs, offsetMs: after });
    }
    days.set(day, made);
    return made;
  }

  function pieces(fromMs: number, toMs: number): readonly ZonePiece[] {
    const cut: ZonePiece[] = [];
    for (let day = Math.floor(fromMs / DAY_MS); day * DAY_MS < toMs; day += 1) {
      for (const piece of piecesOfDay(day)) {
        const from = Math.max(piece.fromMs, fromMs);
        const to = Math.min(piece.toMs, toMs);
        if (from < to) cut.push({ fromMs: from, toMs: to, offsetMs: piece.offsetMs });
      }
    }
    return cut;
  }

  const around = (localMs: number): readonly ZonePiece[] =>
    pieces(localMs - MAX_OFFSET_MS, localMs + MAX_OFFSET_MS);

  return {
    name,
    pieces,
    offsetAt: (ms) => pieces(ms, ms + 1)[0]?.offsetMs ?? 0,
    toInstant(localMs) {
      for (const piece of around(localMs)) {
        if (localMs < piece.toMs + piece.offsetMs) return Math.max(piece.fromMs, localMs - piece.offsetMs);
      }
      return localMs;
    },
    instantsOf: (localMs) =>
      around(localMs).flatMap(({ fromMs, toMs, offsetMs }) => {
        const at = localMs - offsetMs;
        return at >= fromMs && at < toMs ? [at] : [];
      }),
  };
}

/** Offset of the zone at an instant, by asking Intl what the wall clock shows. */
function wallClock(name: string): (ms: number) => number {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone: name,
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  });
  return (ms) => {
    const shown: Record<string, string> = {};
    for (const { type, value } of format.formatToParts(ms)) shown[type] = value;
    const part = (type: string): number => Number(shown[type]);
    const year = shown['era']?.startsWith('B') === true ? 1 - part('year') : part('year');
    const local = Date.UTC(
      year,
      part('month') - 1,
      part('day'),
      part('hour'),
      part('minute'),
      part('second'),
    );
    return local - Math.floor(ms / 1000) * 1000;
  };
}

/** The first instant with another offset; clock changes fall on whole seconds. */
function findChange(clock: (ms: number) => number, fromMs: number, toMs: number, before: number): number {
  let low = fromMs / 1000;
  let high = toMs / 1000;
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (clock(middle * 1000) === before) low = middle;
    else high = middle;
  }
  return high * 1000;
}
