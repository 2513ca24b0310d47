import { writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';

/** One line of the table. */
export interface Figure {
  /** P1 … P10, or empty for what only explains another figure. */
  readonly id: string;
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  readonly goal?: { readonly atLeast: number } | { readonly atMost: number };
}

/** Prints figures as a table: what it is, how much, the goal, whether it was reached. */
export function printTable(figures: readonly Figure[]): void {
  const rows = figures.map((figure) => [
    figure.id,
    figure.name,
    `${show(figure.value)}${figure.unit === '' ? '' : ` ${figure.unit}`}`,
    goalOf(figure),
    verdictOf(figure),
  ]);
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  console.log();
  for (const row of rows) {
    const line = row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join('  ');
    console.log(line.trimEnd());
  }
}

/** Writes the figures as JSON: `bench-results.json` in the current folder. */
export async function save(figures: readonly Figure[]): Promise<void> {
  const machine = { cpu: cpus()[0]?.model ?? '', cores: cpus().length, node: process.version };
  const results = { date: new Date().toISOString(), machine, figures };
  await writeFile('bench-results.json', `${JSON.stringify(results, null, 2)}\n`);
}

function show(value: number): string {
  if (value === 0 || Math.abs(value) >= 100) return Math.round(value).toLocaleString('en');
  return value.toPrecision(3);
}

function goalOf({ goal, unit }: Figure): string {
  if (goal === undefined) return '';
  const suffix = unit === '' ? '' : ` ${unit}`;
  return 'atLeast' in goal
    ? `at least ${goal.atLeast.toLocaleString('en')}${suffix}`
    : `at most ${goal.atMost.toLocaleString('en')}${suffix}`;
}

function verdictOf({ goal, value }: Figure): string {
  if (goal === undefined) return '';
  const [reached, ratio] =
    'atLeast' in goal
      ? [value >= goal.atLeast, value / goal.atLeast]
      : [value <= goal.atMost, value / goal.atMost];
  return reached ? 'reached' : `missed (${ratio.toPrecision(2)} of the goal)`;
}
