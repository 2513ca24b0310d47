import { z, type OpenAPIHono } from '@hono/zod-openapi';
import { OperateError } from '../../operate/error.ts';
import { findConnection, listConnections } from '../../record/operate/connections.ts';
import { findEvent, listEvents, type ShownEvent } from '../../record/operate/events.ts';
import { isUuid } from '../../record/operate/page.ts';
import { findRule, listRules, type ShownRule } from '../../record/operate/rules.ts';
import {
  findRun,
  findStep,
  listRuns,
  listSteps,
  readAttemptsOfSteps,
  readStepsOfRuns,
} from '../../record/operate/runs.ts';
import { readStatus } from '../../operate/status.ts';
import type { ApiDeps } from './api.ts';
import { describe } from './route.ts';
import {
  connectionSchema,
  eventSchema,
  pageQuery,
  pageSchema,
  ruleSchema,
  RUN_STATES,
  runSchema,
  STEP_STATES,
  stepSchema,
} from './schemas.ts';

const name = z.string().min(1).max(200);
const uuidFilter = z.uuid();
const idParam = z.object({ id: z.string() });

/** Lists and single rows of everything but tickets. */
export function listRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  const { db } = deps.database;

  app.openapi(
    describe(
      'get',
      '/status',
      'Is all well, and what needs a person',
      {},
      z.looseObject({ ok: z.boolean() }),
    ),
    async (c) => c.json(await readStatus(deps.database, deps.budgets), 200),
  );

  const connectionQuery = z.strictObject(pageQuery);
  app.openapi(
    describe('get', '/connections', 'Connections', { query: connectionQuery }, pageSchema(connectionSchema)),
    async (c) => c.json(await listConnections(db, pageOf(c.req.valid('query'))), 200),
  );
  app.openapi(
    describe('get', '/connections/{id}', 'One connection', { params: idParam }, connectionSchema),
    async (c) => c.json(found(await findConnection(db, c.req.valid('param').id), 'connection'), 200),
  );

  const eventQuery = z.strictObject({
    ...pageQuery,
    connection: name.optional(),
    ticket_id: name.optional(),
    type: name.optional(),
  });
  app.openapi(
    describe('get', '/events', 'Events, newest first', { query: eventQuery }, pageSchema(eventSchema)),
    async (c) => {
      const query = c.req.valid('query');
      const filter = { connection: query.connection, ticketId: query.ticket_id, type: query.type };
      const page = await listEvents(db, filter, uuidPageOf(query));
      return c.json({ items: page.items.map(presentEvent), next: page.next }, 200);
    },
  );
  app.openapi(describe('get', '/events/{id}', 'One event', { params: idParam }, eventSchema), async (c) =>
    c.json(
      presentEvent(found(await byUuid(c.req.valid('param').id, (id) => findEvent(db, id)), 'event')),
      200,
    ),
  );

  app.openapi(
    describe(
      'get',
      '/rules',
      'Rules of the active set',
      { query: z.strictObject(pageQuery) },
      pageSchema(ruleSchema),
    ),
    async (c) => {
      const page = await listRules(db, pageOf(c.req.valid('query')));
      return c.json({ items: page.items.map(withoutDocument), next: page.next }, 200);
    },
  );
  app.openapi(describe('get', '/rules/{id}', 'One rule', { params: idParam }, ruleSchema), async (c) =>
    c.json(found(await findRule(db, c.req.valid('param').id), 'rule'), 200),
  );
  runRoutes(app, deps);
}

function runRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  const { db } = deps.database;
  const runQuery = z.strictObject({
    ...pageQuery,
    rule: name.optional(),
    state: z.enum(RUN_STATES).optional(),
    connection: name.optional(),
    ticket_id: name.optional(),
    event_id: uuidFilter.optional(),
  });
  app.openapi(
    describe('get', '/runs', 'Runs, newest first', { query: runQuery }, pageSchema(runSchema)),
    async (c) => {
      const { ticket_id: ticketId, event_id: eventId, ...query } = c.req.valid('query');
      return c.json(await listRuns(db, { ...query, ticketId, eventId }, uuidPageOf(query)), 200);
    },
  );
  app.openapi(
    describe('get', '/runs/{id}', 'One run with its steps', { params: idParam }, runSchema),
    async (c) => {
      const run = found(await byUuid(c.req.valid('param').id, (id) => findRun(db, id)), 'run');
      return c.json({ ...run, steps: await readStepsOfRuns(db, [run.id]) }, 200);
    },
  );

  const stepQuery = z.strictObject({
    ...pageQuery,
    state: z.enum(STEP_STATES).optional(),
    run_id: uuidFilter.optional(),
  });
  app.openapi(
    describe('get', '/steps', 'Steps, newest first', { query: stepQuery }, pageSchema(stepSchema)),
    async (c) => {
      const query = c.req.valid('query');
      return c.json(await listSteps(db, { state: query.state, runId: query.run_id }, uuidPageOf(query)), 200);
    },
  );
  app.openapi(
    describe('get', '/steps/{id}', 'One step with its attempts', { params: idParam }, stepSchema),
    async (c) => {
      const step = found(await byUuid(c.req.valid('param').id, (id) => findStep(db, id)), 'step');
      return c.json({ ...step, tries: await readAttemptsOfSteps(db, [step.id]) }, 200);
    },
  );
  doubtRoutes(app, deps, 'dead-letters', 'dead', 'Steps that were given up');
  doubtRoutes(app, deps, 'uncertain', 'uncertain', 'Steps that may or may not have taken effect');
}

/** Steps that wait for a person: a list by state, and its single rows. */
function doubtRoutes(
  app: OpenAPIHono,
  deps: ApiDeps,
  path: 'dead-letters' | 'uncertain',
  state: 'dead' | 'uncertain',
  summary: string,
): void {
  const { db } = deps.database;
  app.openapi(
    describe('get', `/${path}`, summary, { query: z.strictObject(pageQuery) }, pageSchema(stepSchema)),
    async (c) => c.json(await listSteps(db, { state }, uuidPageOf(c.req.valid('query'))), 200),
  );
  app.openapi(describe('get', `/${path}/{id}`, 'One of them', { params: idParam }, stepSchema), async (c) => {
    const step = found(await byUuid(c.req.valid('param').id, (id) => findStep(db, id)), 'step');
    if (step.state !== state) throw new OperateError('not_found', `the step is ${step.state}, not ${state}`);
    return c.json({ ...step, tries: await readAttemptsOfSteps(db, [step.id]) }, 200);
  });
}

interface PageAsked {
  readonly limit: number;
  readonly after?: string | undefined;
}

/** A page by name. */
export function pageOf(query: PageAsked): { readonly limit: number; readonly after: string | null } {
  return { limit: query.limit, after: query.after ?? null };
}

/** A page by id. @throws OperateError for what is none */
export function uuidPageOf(query: PageAsked): { readonly limit: number; readonly after: string | null } {
  if (query.after !== undefined && !isUuid(query.after)) {
    throw new OperateError('bad_request', 'after: expected the `next` of the page before');
  }
  return pageOf(query);
}

/** What is no id names nothing. */
async function byUuid<T>(id: string, find: (id: string) => Promise<T | null>): Promise<T | null> {
  return isUuid(id) ? find(id) : null;
}

/** @throws OperateError for null: 404 */
export function found<T>(row: T | null, what: string): T {
  if (row === null) throw new OperateError('not_found', `there is no such ${what}`);
  return row;
}

function presentEvent(stored: ShownEvent): object {
  const { event, id, ruleSetId, depth, causedBy } = stored;
  return { id, ...event, rule_set: ruleSetId, depth, caused_by: causedBy };
}

function withoutDocument({ rule: _rule, ...shown }: ShownRule): Omit<ShownRule, 'rule'> {
  return shown;
}
