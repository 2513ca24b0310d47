import { z, type OpenAPIHono } from '@hono/zod-openapi';
import { acknowledge, snooze } from '../../operate/attention.ts';
import { OperateError } from '../../operate/error.ts';
import { parseDuration } from '../../config.ts';
import {
  addSilence,
  endSilence,
  readSilence,
  readSilences,
  type SilenceDeps,
} from '../../operate/silences.ts';
import type { ShownSilence } from '../../record/operate/silences.ts';
import { findTimer, isTimerPage, listTimers } from '../../record/operate/timers.ts';
import type { ApiDeps } from './api.ts';
import { found, pageOf } from './lists.ts';
import { describe, optionalBody, requiredBody } from './route.ts';
import { pageQuery, pageSchema, silenceSchema, timerSchema } from './schemas.ts';

const BY = 'the API';
const idParam = z.object({ id: z.string() });
const ticketParams = z.object({ connection: z.string(), id: z.string() });
const whenText = z.string().min(1).max(100).openapi({ description: 'A time, or a duration from now: 2h.' });

/** What is about time and attention: timers, silences, acknowledging and snoozing. */
export function timeRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  const { db } = deps.database;
  const query = z.strictObject(pageQuery);
  app.openapi(
    describe(
      'get',
      '/timers',
      'What waits for its moment, the next first: timers of rules, schedules, steps',
      { query },
      pageSchema(timerSchema),
    ),
    async (c) => {
      const page = pageOf(c.req.valid('query'));
      if (page.after !== null && !isTimerPage(page.after)) {
        throw new OperateError('bad_request', 'after: expected the `next` of the page before');
      }
      return c.json(await listTimers(db, page), 200);
    },
  );
  app.openapi(describe('get', '/timers/{id}', 'One timer', { params: idParam }, timerSchema), async (c) =>
    c.json(found(await findTimer(db, c.req.valid('param').id), 'timer'), 200),
  );
  silenceRoutes(app, deps);
  attentionRoutes(app, deps);
}

function silenceRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  const silences: SilenceDeps = { database: deps.database, configured: deps.silences };
  app.openapi(
    describe(
      'get',
      '/silences',
      'Silences: those of the configuration, then those that people added, newest first',
      { query: z.strictObject(pageQuery) },
      pageSchema(silenceSchema),
    ),
    async (c) => c.json(await readSilences(pageOf(c.req.valid('query')), silences), 200),
  );
  const one = async (id: string): Promise<ShownSilence> => found(await readSilence(id, silences), 'silence');
  app.openapi(
    describe('get', '/silences/{id}', 'One silence', { params: idParam }, silenceSchema),
    async (c) => c.json(await one(c.req.valid('param').id), 200),
  );
  app.openapi(
    describe('post', '/silences/{id}/end', 'End a silence now', { params: idParam }, silenceSchema),
    async (c) => {
      const { id } = c.req.valid('param');
      await endSilence(id, BY, silences);
      return c.json(await one(id), 200);
    },
  );
  const body = z.strictObject({
    when: z.record(z.string(), z.unknown()),
    from: whenText.optional(),
    until: whenText,
    reason: z.string().min(1).max(500),
  });
  app.openapi(
    describe('post', '/silences', 'Add a silence', { body: requiredBody(body) }, silenceSchema),
    async (c) => {
      const { when, reason, ...span } = c.req.valid('json');
      const now = deps.store.now();
      const from = span.from === undefined ? now : momentOf(span.from, now, 'from');
      const until = momentOf(span.until, now, 'until');
      const wish = { when, from, until, reason, by: BY };
      const id = await addSilence(deps.database, wish, deps.known, deps.store.newId);
      return c.json(await one(id), 200);
    },
  );
}

function attentionRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  const person = z.strictObject({ by: z.string().min(1).max(200).optional() });
  app.openapi(
    describe(
      'post',
      '/tickets/{connection}/{id}/acknowledge',
      'Say that somebody took the ticket',
      { params: ticketParams, body: optionalBody(person) },
      z.object({
        connection: z.string(),
        ticket_id: z.string(),
        changed: z.boolean(),
        ended_runs: z.number(),
      }),
    ),
    async (c) => {
      const { connection, id: ticketId } = c.req.valid('param');
      const body = c.req.valid('json') as z.output<typeof person> | undefined;
      return c.json(await acknowledge(deps.database, { connection, ticketId }, body?.by ?? BY), 200);
    },
  );
  const span = z.strictObject({ until: whenText.nullable() });
  app.openapi(
    describe(
      'post',
      '/tickets/{connection}/{id}/snooze',
      'Say nothing of the ticket in Slack until then; null ends it',
      { params: ticketParams, body: requiredBody(span) },
      z.object({ connection: z.string(), ticket_id: z.string(), snoozed_until: z.string().nullable() }),
    ),
    async (c) => {
      const { connection, id: ticketId } = c.req.valid('param');
      const { until } = c.req.valid('json');
      const moment = until === null ? null : (now: number): number => momentOf(until, now, 'until');
      const result = await snooze(deps.database, { connection, ticketId }, moment);
      if (until === null) deps.onRuns();
      return c.json(result, 200);
    },
  );
}

/** A time, or a duration from now, epoch ms. @throws OperateError */
function momentOf(text: string, now: number, field: string): number {
  const span = parseDuration(text);
  const at = span === null ? Date.parse(text) : now + span;
  if (Number.isNaN(at)) {
    throw new OperateError('bad_request', `${field}: expected a time or a duration such as 2h, got ${text}`);
  }
  return at;
}
