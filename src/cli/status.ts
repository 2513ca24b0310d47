import { readStatus, type BudgetPlan, type Status } from '../operate/status.ts';
import type { Config } from '../config.ts';
import type { ShownFeed } from '../record/operate/connections.ts';
import { readArguments } from './arguments.ts';
import { asOperator } from './operator.ts';
import { formatAge, formatTable, visible } from './table.ts';

/** Is all well? Exit 1 when something needs a person. */
export async function run(args: readonly string[]): Promise<number> {
  const given = readArguments(args, { json: { type: 'boolean' } });
  return asOperator('status', async ({ database, config }) => {
    const status = await readStatus(database, budgetPlans(config));
    console.log(given.flag('json') ? JSON.stringify(status) : formatStatus(status));
    return status.ok ? 0 : 1;
  });
}

function budgetPlans(config: Config): ReadonlyMap<string, BudgetPlan> {
  return new Map(
    config.connections.flatMap(({ name, vendor, budget, poll }): [string, BudgetPlan][] => {
      if (vendor.connect === null) return [];
      const pollEveryMs = vendor.capabilities.feeds.map((feed) =>
        typeof poll === 'number' ? poll : (poll?.[feed.name] ?? feed.pollEveryMs),
      );
      return [[name, { ...(budget ?? vendor.capabilities.budgets.default), pollEveryMs }]];
    }),
  );
}

function formatStatus(status: Status): string {
  const { queue } = status;
  const lines = [
    status.ok
      ? 'All is well.'
      : `Needs a person:\n${status.attention.map((line) => `  ! ${visible(line)}`).join('\n')}`,
    '',
    formatTable(status.connections, [
      { title: 'CONNECTION', of: (row) => row.name },
      { title: 'VENDOR', of: (row) => row.vendor },
      { title: 'STATE', of: (row) => (row.paused ? 'paused' : row.state) },
      {
        title: 'FEEDS (LAG)',
        of: (row) => row.feeds.map((feed) => `${feed.feed} ${formatAge(feed.lag_seconds)}`).join(', ') || '-',
      },
      { title: 'WAITING READS', of: (row) => row.nominations },
      { title: 'BUDGET', of: (row) => formatForecast(row.forecast) },
    ]),
    ...status.connections.flatMap(({ name, findings, feeds }) => [
      ...findings.map((finding) => `  ${name}: ${visible(finding)}`),
      ...feeds.map((feed) => `  ${name} ${feed.feed}: ${formatCoverage(feed)}`),
    ]),
    '',
    `Steps: ${queue.open} open (${queue.waiting} waiting, ${queue.postponed} postponed, ${queue.sending} sending), oldest due for ${formatAge(queue.oldest_pending_seconds)}`,
    `Doubt: ${queue.uncertain} uncertain, ${queue.dead} dead letters, ${queue.held} held runs, ${queue.parked} parked deliveries`,
    `Rules: ${status.rule_set === null ? 'none published' : `${status.rule_set.rules} active (set ${status.rule_set.id})`}, ${status.paused_rules.length} paused`,
    `Instances: ${status.instances.map((instance) => instance.name).join(', ') || 'none running'}`,
  ];
  if (status.last_report !== null) lines.push(`Last report: ${JSON.stringify(status.last_report)}`);
  return lines.join('\n');
}

/** What the feed has seen since when, and of what nobody can tell. */
function formatCoverage({ covered, gaps }: ShownFeed): string {
  const last = covered.at(-1);
  if (last === undefined) return 'nothing covered yet';
  const holes = gaps.map(({ from, to }) => `, gap ${from} to ${to}`).join('');
  return `covered ${covered[0]?.from ?? ''} to ${last.to}${holes}`;
}

function formatForecast(forecast: Status['connections'][number]['forecast']): string {
  if (forecast === null) return '-';
  const { left, burst, calls_per_minute: calls, spent_per_minute: spent, exhausted_at: at } = forecast;
  const end = at === null ? '' : `, exhausted at ${at}`;
  return `${left} left of ${burst}, ${spent} of ${calls}/min used${end}`;
}
