/** Checks cron expressions of five fields: minute, hour, day of month, month, day of week. */

const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec'];
const DAYS = ['sun', 'mon', 'tue', 'wed', 'thu', 'fri', 'sat'];

interface CronField {
  readonly name: string;
  readonly least: number;
  readonly most: number;
  readonly words: readonly string[];
  /** Number of the first word. */
  readonly first: number;
}

const FIELDS: readonly CronField[] = [
  { name: 'minute', least: 0, most: 59, words: [], first: 0 },
  { name: 'hour', least: 0, most: 23, words: [], first: 0 },
  { name: 'day of month', least: 1, most: 31, words: [], first: 0 },
  { name: 'month', least: 1, most: 12, words: MONTHS, first: 1 },
  { name: 'day of week', least: 0, most: 7, words: DAYS, first: 0 },
];

/** What is wrong with an expression; null if nothing. Seconds are refused: nothing here runs more often than once a minute. */
export function cronProblem(expression: string): string | null {
  const parts = expression.trim().split(/\s+/);
  if (parts.length === 6)
    return 'Expected five fields (minute hour day month weekday), found six: seconds are not supported.';
  if (parts.length !== 5)
    return `Expected five fields (minute hour day month weekday), found ${expression.trim() === '' ? 'none' : parts.length}.`;
  for (const [index, field] of FIELDS.entries()) {
    for (const item of (parts[index] ?? '').split(',')) {
      if (!isItem(item, field))
        return `"${item}" is no ${field.name}: ${field.least}-${field.most}, *, ranges, lists and steps.`;
    }
  }
  return neverComes(parts) ? `There is no such day: "${parts[2]} ${parts[3]}".` : null;
}

function isItem(item: string, field: CronField): boolean {
  const [range = '', step, ...more] = item.toLowerCase().split('/');
  if (more.length > 0 || (step !== undefined && !/^[1-9]\d{0,2}$/.test(step))) return false;
  if (range === '*') return true;
  const ends = range.split('-').map((end) => numberOf(end, field));
  const [low = NaN, high = low] = ends;
  return ends.length <= 2 && low >= field.least && high <= field.most && low <= high;
}

function numberOf(text: string, field: CronField): number {
  const word = field.words.indexOf(text);
  if (word >= 0) return word + field.first;
  return /^\d{1,2}$/.test(text) ? Number(text) : NaN;
}

/** Days per month at most, for single-number expressions such as `0 0 31 2 *`. */
function neverComes(parts: readonly string[]): boolean {
  const [, , day = '', month = '', weekday = ''] = parts;
  if (weekday !== '*' || !/^\d+$/.test(day)) return false;
  const months = month
    .toLowerCase()
    .split(',')
    .map((item) => (MONTHS.includes(item) ? MONTHS.indexOf(item) + 1 : Number(item)));
  const longest = [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
  return months.every((number) => Number(day) > (longest[number - 1] ?? 31));
}

/** True for a time zone name that this process knows, such as `Europe/Istanbul`. */
export function isTimeZone(name: string): boolean {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: name }).resolvedOptions().timeZone !== '';
  } catch {
    return false;
  }
}
