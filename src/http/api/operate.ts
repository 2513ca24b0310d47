import { z, type OpenAPIHono } from '@hono/zod-openapi';
import { readEventInput } from '../../match/input.ts';
import { OperateError } from '../../operate/error.ts';
import { pauseAll, pauseConnection, pauseRule, resumeRule } from '../../operate/pauses.ts';
import { replay } from '../../operate/replay.ts';
import { parseSince } from '../../operate/since.ts';
import { decideStep, type StepDecision } from '../../operate/steps.ts';
import { conditionsAgainst } from '../../operate/why.ts';
import { findEvent } from '../../record/operate/events.ts';
import type { ApiDeps } from './api.ts';
import { found } from './lists.ts';
import { describe, optionalBody, requiredBody } from './route.ts';
import { conditionSchema, stepSchema } from './schemas.ts';

const idParam = z.object({ id: z.string() });
const nameParam = z.object({ name: z.string() });
const DECISIONS = {
  retry: 'Take a dead letter again',
  skip: 'Leave a dead letter or an uncertain step undone',
  resend: 'Take an uncertain step again',
  'mark-done': 'An uncertain step did take effect',
} as const satisfies Readonly<Record<StepDecision, string>>;

const PAUSED = 'paused by a person';

/** What a person decides. */
export function operateRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  for (const [decision, summary] of Object.entries(DECISIONS)) {
    app.openapi(
      describe('post', `/steps/{id}/${decision as StepDecision}`, summary, { params: idParam }, stepSchema),
      async (c) => {
        const step = await decideStep(deps.database, c.req.valid('param').id, decision as StepDecision);
        deps.onRuns();
        return c.json(step, 200);
      },
    );
  }
  pauseRoutes(app, deps);
  explainRoute(app, deps);
  replayRoute(app, deps);
}

function pauseRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  const { database } = deps;
  const reason = z.strictObject({ reason: z.string().min(1).max(200).default(PAUSED) });
  const rulePaused = z.object({ rule: z.string(), paused: z.boolean(), changed: z.boolean() });
  app.openapi(
    describe(
      'post',
      '/rules/{id}/pause',
      'Hold a rule’s matches',
      { params: idParam, body: optionalBody(reason) },
      rulePaused,
    ),
    async (c) => {
      const body = c.req.valid('json') as z.output<typeof reason> | undefined;
      const result = await pauseRule(database, c.req.valid('param').id, body?.reason ?? PAUSED);
      await deps.onPauses();
      return c.json(result, 200);
    },
  );
  const held = z.strictObject({ held: z.enum(['release', 'discard']).optional() });
  app.openapi(
    describe(
      'post',
      '/rules/{id}/resume',
      'Let a rule go on, and release or discard what it held',
      { params: idParam, body: optionalBody(held) },
      z.object({ rule: z.string(), paused: z.boolean(), released: z.number(), discarded: z.number() }),
    ),
    async (c) => {
      const body = c.req.valid('json') as z.output<typeof held> | undefined;
      const result = await resumeRule(database, c.req.valid('param').id, body?.held ?? null);
      await deps.onPauses();
      deps.onRuns();
      return c.json(result, 200);
    },
  );
  for (const verb of ['pause', 'resume'] as const) {
    const paused = verb === 'pause';
    app.openapi(
      describe(
        'post',
        `/connections/{name}/${verb}`,
        paused ? 'Neither poll a connection nor write to it' : 'Poll and write again',
        { params: nameParam },
        z.object({ connection: z.string(), paused: z.boolean(), changed: z.boolean() }),
      ),
      async (c) => {
        const result = await pauseConnection(database, c.req.valid('param').name, paused);
        await deps.onPauses();
        return c.json(result, 200);
      },
    );
  }
  const switched = z.object({ paused: z.boolean(), changed: z.boolean() });
  app.openapi(
    describe(
      'post',
      '/pause-all',
      'Stop every action and keep ingesting',
      { body: optionalBody(reason) },
      switched,
    ),
    async (c) => {
      const body = c.req.valid('json') as z.output<typeof reason> | undefined;
      const result = await pauseAll(database, body?.reason ?? PAUSED);
      await deps.onPauses();
      return c.json(result, 200);
    },
  );
  app.openapi(describe('post', '/resume-all', 'Let actions go on', {}, switched), async (c) => {
    const result = await pauseAll(database, null);
    await deps.onPauses();
    deps.onRuns();
    return c.json(result, 200);
  });
}

function explainRoute(app: OpenAPIHono, deps: ApiDeps): void {
  const body = z.strictObject({
    rule: z.string().min(1),
    event: z.looseObject({}).optional(),
    event_id: z.uuid().optional(),
    at: z.iso.datetime({ offset: true }).optional(),
  });
  const answer = z.object({
    rule: z.string(),
    verdict: z.enum(['match', 'no match']),
    reason: z.string(),
    leaves: z.array(z.looseObject({})),
    conditions: z.array(conditionSchema),
  });
  app.openapi(
    describe(
      'post',
      '/explain',
      'Why an active rule does or does not match an event',
      { body: requiredBody(body) },
      answer,
    ),
    async (c) => {
      const asked = c.req.valid('json');
      const { matcher } = await deps.store.active.refresh();
      if (!matcher.rules.some((rule) => rule.id === asked.rule)) {
        throw new OperateError('not_found', `there is no rule ${asked.rule} in the active set`);
      }
      const { event, now } = await eventOf(asked, deps);
      const at = asked.at === undefined ? now : Date.parse(asked.at);
      const explanation = matcher.explain(asked.rule, event, at);
      return c.json({ ...explanation, conditions: conditionsAgainst(explanation) }, 200);
    },
  );
}

type Explained = ReturnType<typeof readEventInput>['event'];

async function eventOf(
  asked: { readonly event?: object | undefined; readonly event_id?: string | undefined },
  deps: ApiDeps,
): Promise<{ readonly event: Explained; readonly now: number }> {
  if (asked.event_id !== undefined) {
    const stored = found(await findEvent(deps.database.db, asked.event_id), 'event');
    return { event: stored.event, now: stored.observedAt.getTime() };
  }
  if (asked.event === undefined) throw new OperateError('bad_request', 'give event or event_id');
  const input = readEventInput(asked.event);
  const [problem] = input.problems;
  if (problem !== undefined) {
    throw new OperateError('bad_request', `event.${problem.path.join('.')}: ${problem.message}`);
  }
  const now = input.absent.has('observed_at') ? deps.store.now() : Date.parse(input.event.observed_at);
  return { event: { ...input.event, observed_at: new Date(now).toISOString() }, now };
}

function replayRoute(app: OpenAPIHono, deps: ApiDeps): void {
  const body = z.strictObject({
    event: z.string().min(1).optional().openapi({ description: 'An event’s key or id.' }),
    connection: z.string().min(1).optional(),
    since: z.string().min(1).optional().openapi({ description: 'A time, or a duration such as 2h.' }),
  });
  const run = z.object({
    id: z.uuid(),
    rule: z.string(),
    event_id: z.uuid(),
    replay_no: z.number().int(),
    state: z.string(),
  });
  app.openapi(
    describe(
      'post',
      '/replay',
      'Match stored events again as new runs',
      { body: requiredBody(body) },
      z.object({ events: z.number().int(), runs: z.array(run) }),
    ),
    async (c) => {
      const { event, connection, since } = c.req.valid('json');
      if ((event === undefined) === (since === undefined)) {
        throw new OperateError('bad_request', 'give either event or since');
      }
      const request = {
        event,
        connection,
        since: since === undefined ? undefined : parseSince(since, deps.store.now()),
      };
      const result = await replay(request, { database: deps.database, store: deps.store });
      deps.onRuns();
      return c.json(result, 200);
    },
  );
}
