import { z } from '@hono/zod-openapi';

/** Shapes of `/api/v1` that several routes share. Answers are described, not checked: the queries make them. */

export const errorSchema = z
  .object({ error: z.object({ reason: z.string(), message: z.string() }) })
  .openapi('Error');

const instant = z.iso.datetime();
const uuid = z.uuid();

/** Query of every list. Unknown parameters are refused, so that a misspelt filter does not show everything. */
export const pageQuery = {
  limit: z.coerce.number().int().min(1).max(1000).default(100).openapi({ description: 'Items of a page.' }),
  after: z.string().min(1).max(500).optional().openapi({ description: '`next` of the page before.' }),
};

/** A page of anything. */
export function pageSchema<T extends z.ZodType>(item: T): z.ZodObject {
  return z.object({
    items: z.array(item),
    next: z.string().nullable().openapi({ description: 'Pass as `after`; null: this was the last page.' }),
  });
}

export const eventSchema = z
  .looseObject({
    id: uuid,
    key: z.string(),
    type: z.string(),
    connection: z.string(),
    vendor: z.string(),
    ticket_id: z.string().nullable(),
    observed_at: instant,
    rule_set: z.number().int().nullable(),
    depth: z.number().int(),
    caused_by: uuid.nullable(),
  })
  .openapi('Event', {
    description: 'The event as `http.post` sends it, with its id and the rule set it was matched with.',
  });

export const ticketSchema = z
  .object({
    connection: z.string(),
    ticket_id: z.string(),
    phase: z.string(),
    gone: z.boolean(),
    acknowledged_at: instant.nullable(),
    acknowledged_by: z.string().nullable(),
    snoozed_until: instant.nullable(),
    first_seen_at: instant,
    applied_at: instant,
    unknown: z.array(z.string()),
    ticket: z.looseObject({ id: z.string() }),
  })
  .openapi('Ticket');

const span = z.object({ from: instant, to: instant });

export const connectionSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    vendor: z.string(),
    state: z.enum(['ok', 'degraded', 'stopped']),
    reason: z.string().nullable(),
    paused: z.boolean(),
    paused_at: instant.nullable(),
    silent_until: instant.nullable(),
    silent_reason: z.string().nullable(),
    findings: z.array(z.string()),
    feeds: z.array(
      z.object({
        feed: z.string(),
        lag_seconds: z.number().nullable(),
        last_complete_at: instant.nullable(),
        next_poll_at: instant,
        baseline_done: z.boolean(),
        failures: z.number().int(),
        last_error: z.string().nullable(),
        degraded: z.string().nullable(),
        covered: z.array(span).openapi({ description: 'What its walks have seen, oldest first.' }),
        gaps: z
          .array(span)
          .openapi({ description: 'Holes between them: nobody can tell what happened then.' }),
      }),
    ),
    budgets: z
      .record(z.string(), z.number())
      .openapi({ description: 'Calls left when the budget was last asked.' }),
    spending: z
      .record(z.string(), z.object({ per_minute: z.number(), last_at: instant }))
      .openapi({ description: 'Measured over about the last ten minutes.' }),
    nominations: z.number().int(),
  })
  .openapi('Connection');

export const ruleSchema = z
  .object({
    id: z.string(),
    name: z.string(),
    mode: z.enum(['live', 'shadow', 'off']),
    order: z.number(),
    on: z.array(z.string()),
    version: z.number().int(),
    paused: z.boolean(),
    paused_at: instant.nullable(),
    pause_reason: z.string().nullable(),
    held: z.number().int(),
    rule: z.looseObject({}).optional().openapi({ description: 'The whole rule; left out in lists.' }),
  })
  .openapi('Rule');

export const attemptSchema = z
  .object({
    id: uuid,
    step_id: uuid,
    number: z.number().int(),
    state: z.enum(['sent', 'succeeded', 'refused', 'unknown']),
    reason: z.string().nullable(),
    started_at: instant,
    took_ms: z.number().int().nullable(),
  })
  .openapi('Attempt');

export const STEP_STATES = [
  'pending',
  'waiting',
  'postponed',
  'sending',
  'done',
  'skipped',
  'suppressed',
  'uncertain',
  'dead',
] as const;
export const RUN_STATES = ['active', 'held', 'done', 'ended'] as const;

export const stepSchema = z
  .object({
    id: uuid,
    step_id: uuid,
    run_id: uuid,
    rule: z.string(),
    connection: z.string(),
    ticket_id: z.string().nullable(),
    path: z.string(),
    iteration: z.number().int(),
    action: z.string(),
    state: z.enum(STEP_STATES),
    reason: z.string().nullable(),
    attempts: z.number().int(),
    due_at: instant.nullable(),
    decided_at: instant.nullable(),
    result: z.unknown(),
    tries: z.array(attemptSchema).optional().openapi({ description: 'Each attempt; left out in lists.' }),
  })
  .openapi('Step');

export const runSchema = z
  .object({
    id: uuid,
    event_id: uuid,
    rule: z.string(),
    rule_version: z.number().int(),
    replay_no: z.number().int(),
    connection: z.string(),
    ticket_id: z.string().nullable(),
    state: z.enum(RUN_STATES),
    reason: z.string().nullable(),
    shadow: z.boolean(),
    created_at: instant,
    ended_at: instant.nullable(),
    steps: z.array(stepSchema).optional().openapi({ description: 'Left out in lists.' }),
  })
  .openapi('Run');

export const conditionSchema = z
  .object({
    field: z.string(),
    operator: z.string(),
    wanted: z.unknown(),
    got: z.unknown(),
    truth: z.enum(['true', 'false', 'unknown']),
    note: z.string().nullable(),
    groups: z.array(z.string()),
  })
  .openapi('Condition', { description: 'A condition that kept a rule from matching.' });

export const whySchema = z
  .object({
    connection: z.string(),
    ticket_id: z.string(),
    ticket: ticketSchema.nullable(),
    events: z.array(
      z.object({
        id: uuid,
        event: z.looseObject({ key: z.string(), type: z.string() }),
        rule_set: z.number().int().nullable(),
        rules: z.array(
          z.object({
            rule: z.string(),
            name: z.string(),
            verdict: z.enum(['match', 'no match']),
            reason: z.string(),
            near_miss: z.boolean(),
            conditions: z.array(conditionSchema),
          }),
        ),
        runs: z.array(runSchema),
      }),
    ),
    next: z.string().nullable(),
  })
  .openapi('Why');

export const timerSchema = z
  .object({
    id: z.string(),
    kind: z.enum(['rule', 'overdue', 'schedule', 'step']),
    due_at: instant,
    armed_at: instant.nullable(),
    rule: z.string().nullable(),
    connection: z.string().nullable(),
    ticket_id: z.string().nullable(),
    step_id: uuid.nullable(),
    action: z.string().nullable(),
    reason: z.string().nullable(),
  })
  .openapi('Timer');

export const silenceSchema = z
  .object({
    id: z.string(),
    when: z.looseObject({}),
    from: instant,
    until: instant,
    reason: z.string(),
    created_by: z.string(),
    created_at: instant.nullable(),
    ended_at: instant.nullable(),
    ended_by: z.string().nullable(),
    active: z.boolean(),
    configured: z
      .boolean()
      .openapi({ description: 'Stands in the configuration, and ends there only: `id` is its place.' }),
  })
  .openapi('Silence');

const counts = z.record(z.string(), z.number().int());

export const backtestSchema = z
  .object({
    from: instant,
    until: instant,
    events: z.number().int(),
    events_per_second: z.number().int(),
    rules: z.array(
      z.object({
        rule: z.string(),
        matches: z.number().int(),
        suppressed: z.number().int(),
        runs: z.number().int(),
        steps: counts,
        vendor_calls: counts,
        slack_messages: z.number().int(),
        http_posts: z.number().int(),
        difference: z
          .object({
            same: z.number().int(),
            added: z.number().int(),
            removed: z.number().int(),
            added_events: z.array(z.string()),
            removed_events: z.array(z.string()),
          })
          .nullable(),
        recorded: z.array(
          z.object({
            shadow: z.boolean(),
            state: z.enum(RUN_STATES),
            reason: z.string().nullable(),
            runs: z.number().int(),
          }),
        ),
        samples: z.array(
          z.object({
            event: z.string(),
            event_id: uuid,
            ticket_id: z.string().nullable(),
            at: instant,
            rendered: z.array(z.object({ action: z.string(), text: z.string() })),
          }),
        ),
      }),
    ),
    not_reconstructed: z.array(z.string()),
  })
  .openapi('Backtest');
