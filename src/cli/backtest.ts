import { readFile } from 'node:fs/promises';
import { systemClock } from '../clock.ts';
import { ConfigError, messageOf } from '../errors.ts';
import { loadRules } from '../match/load.ts';
import type { Rule } from '../match/rule.ts';
import { backtest, type BacktestReport, type RuleReport } from '../operate/backtest.ts';
import { parseSince } from '../operate/since.ts';
import { readArguments, required, usageError } from './arguments.ts';
import { printWarnings } from './offline.ts';
import { asOperator, type Operator } from './operator.ts';
import { knownNamesOf } from './setup.ts';
import { visible } from './table.ts';

/** What the rules of a file would have done with stored events. */
export async function run(args: readonly string[]): Promise<number> {
  const given = readArguments(args, { since: { type: 'string' }, json: { type: 'boolean' } });
  const [file, ...more] = given.positionals;
  if (file === undefined || more.length > 0) throw usageError('expected: backtest FILE --since 30d');
  const since = required(given.text('since'), '--since 30d');
  return asOperator('backtest', async (operator) => {
    const drafts = await readDrafts(file, operator);
    const { matcher } = await operator.store.active.refresh();
    const until = systemClock.now();
    const bar = process.stderr.isTTY && !given.flag('json') ? { onProgress: drawProgress } : {};
    const report = await backtest(
      { drafts, active: matcher.rules, from: parseSince(since, until), until: new Date(until) },
      {
        database: operator.database,
        settings: operator.settings,
        monotonic: () => systemClock.monotonic(),
        ...bar,
      },
    );
    if (process.stderr.isTTY && !given.flag('json')) process.stderr.write('\n');
    console.log(given.flag('json') ? JSON.stringify(report) : formatReport(report));
    return 0;
  });
}

async function readDrafts(file: string, { config }: Operator): Promise<readonly Rule[]> {
  const text = await readFile(file, 'utf8').catch((error: unknown) => {
    throw usageError(`cannot read ${file}: ${messageOf(error)}`);
  });
  const { rules, problems } = loadRules([{ file, text }], knownNamesOf(config, process.env));
  const errors = problems.filter((problem) => problem.severity === 'error');
  if (errors.length > 0) throw new ConfigError(errors);
  printWarnings(problems);
  if (rules.length === 0) throw usageError(`${file} holds no rule`);
  return rules;
}

const BAR = 30;

function drawProgress(done: number, total: number): void {
  const share = total === 0 ? 1 : done / total;
  const full = Math.round(share * BAR);
  process.stderr.write(`\r${'█'.repeat(full)}${'░'.repeat(BAR - full)} ${done} of ${total} events`);
}

function formatReport(report: BacktestReport): string {
  return [
    `${report.events} events from ${report.from} to ${report.until} (${report.events_per_second}/s)`,
    ...report.rules.flatMap(formatRule),
    '',
    'Not reconstructed:',
    ...report.not_reconstructed.map((gap) => `  ${gap}`),
  ].join('\n');
}

function formatRule(rule: RuleReport): readonly string[] {
  const counted = (counts: Readonly<Record<string, number>>): string =>
    Object.entries(counts)
      .map(([name, count]) => `${count} ${name}`)
      .join(', ') || 'none';
  const lines = [
    '',
    `${rule.rule}: ${rule.matches} matches, ${rule.runs} runs, ${rule.suppressed} over its limits`,
    `  steps: ${counted(rule.steps)}`,
    `  would have cost at most: calls ${counted(rule.vendor_calls)}; ${rule.slack_messages} Slack messages; ${rule.http_posts} http.post`,
  ];
  const { difference } = rule;
  if (difference === null) lines.push('  no version of it is active');
  else {
    lines.push(
      `  against the active version: ${difference.same} the same, ${difference.added} more, ${difference.removed} fewer`,
      ...difference.added_events.slice(0, 10).map((key) => `    + ${visible(key)}`),
      ...difference.removed_events.slice(0, 10).map((key) => `    - ${visible(key)}`),
    );
  }
  for (const { shadow, state, reason, runs } of rule.recorded) {
    lines.push(
      `  recorded${shadow ? ' in shadow' : ''}: ${runs} ${state}${reason === null ? '' : ` (${reason})`}`,
    );
  }
  for (const sample of rule.samples.slice(0, 5)) {
    lines.push(`  ${sample.at} ${visible(sample.event)}`);
    for (const { action, text } of sample.rendered) lines.push(`    ${action}: ${visible(text)}`);
  }
  return lines;
}
