import { ownSlaFrom } from '../ingest/timers.ts';
import { explainTime, formatTime, type TicketTime } from '../operate/deadlines.ts';
import { explainTicket, type Why, type WhyCondition, type WhyEvent, type WhyRule } from '../operate/why.ts';
import { readArguments, usageError } from './arguments.ts';
import { asOperator } from './operator.ts';
import { visible } from './table.ts';

/** Why something was or was not done about a ticket. */
export async function run(args: readonly string[]): Promise<number> {
  const given = readArguments(args, {
    json: { type: 'boolean' },
    limit: { type: 'string' },
    after: { type: 'string' },
  });
  const [connection, ticketId, ...more] = given.positionals;
  if (connection === undefined || ticketId === undefined || more.length > 0) {
    throw usageError('expected: why CONNECTION TICKET');
  }
  const limit = Number(given.text('limit') ?? 20);
  if (!Number.isInteger(limit) || limit < 1 || limit > 1_000) throw usageError('--limit: expected 1 to 1000');
  return asOperator('why', async ({ database, settings, store }) => {
    const page = { limit, after: given.text('after') ?? null };
    const why = await explainTicket(connection, ticketId, page, {
      database,
      settings,
      ownSla: ownSlaFrom(store),
      compiled: () => null,
    });
    const time = await explainTime(database, connection, ticketId, store.sla ?? new Map());
    console.log(given.flag('json') ? JSON.stringify({ ...why, time }) : formatWhy(why, time));
    return 0;
  });
}

function formatWhy(why: Why, time: TicketTime): string {
  const title = why.ticket === null ? '' : `: ${visible(why.ticket.ticket.title ?? '')}`;
  const more = why.next === null ? [] : [`older events: --after ${why.next}`];
  const head = [`${why.connection} ${why.ticket_id}${title}`, ...formatTime(time)];
  return [...head, ...why.events.flatMap(formatEvent), ...more].join('\n');
}

function formatEvent(shown: WhyEvent): readonly string[] {
  const { event } = shown;
  const changed = Object.keys(event.changes ?? {}).join(', ');
  const head = `${event.observed_at}  ${event.type}${changed === '' ? '' : ` (${changed})`}  ${event.key}`;
  return [
    '',
    head,
    ...shown.rules.flatMap(formatRule),
    ...shown.runs.flatMap((run) => [
      `  run ${run.id} of ${run.rule}: ${run.state}${because(run.reason)}${run.replay_no === 0 ? '' : ` (replay ${run.replay_no})`}`,
      ...run.steps.flatMap((step) => [
        `    ${step.path} ${step.action}: ${step.state}${because(step.reason)}`,
        ...step.tries.map(
          (attempt) =>
            `      attempt ${attempt.number} at ${attempt.started_at.toISOString()}: ${attempt.state}${because(attempt.reason)}`,
        ),
      ]),
    ]),
  ];
}

function formatRule(rule: WhyRule): readonly string[] {
  if (rule.verdict === 'match') return [`  ✓ ${rule.rule}: ${rule.reason}`];
  const near = rule.near_miss ? ', a near miss' : '';
  return [`  ✗ ${rule.rule}: ${rule.reason}${near}`, ...rule.conditions.map(formatCondition)];
}

function formatCondition(condition: WhyCondition): string {
  const groups = condition.groups.map((group) => `${group} › `).join('');
  const note = condition.note === null ? '' : ` (${condition.note})`;
  const wanted = JSON.stringify(condition.wanted);
  const got = JSON.stringify(condition.got);
  return visible(
    `      ${condition.truth === 'unknown' ? '?' : '✗'} ${groups}${condition.field} ${condition.operator} ${wanted}, got ${got}${note}`,
  );
}

function because(reason: string | null): string {
  return reason === null ? '' : ` (${visible(reason)})`;
}
