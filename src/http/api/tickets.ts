import { z, type OpenAPIHono } from '@hono/zod-openapi';
import { ownSlaFrom } from '../../ingest/timers.ts';
import { explainTicket } from '../../operate/why.ts';
import { findTicket, listTickets } from '../../record/operate/tickets.ts';
import type { ApiDeps } from './api.ts';
import { found, pageOf, uuidPageOf } from './lists.ts';
import { describe } from './route.ts';
import { pageQuery, pageSchema, ticketSchema, whySchema } from './schemas.ts';

const ticketParams = z.object({ connection: z.string(), id: z.string() });

/** Tickets, and why something was or was not done about them. */
export function ticketRoutes(app: OpenAPIHono, deps: ApiDeps): void {
  const { db } = deps.database;
  const ownSla = ownSlaFrom(deps.store);
  const query = z.strictObject({ ...pageQuery, connection: z.string().optional() });
  app.openapi(
    describe('get', '/tickets', 'Tickets by connection and id', { query }, pageSchema(ticketSchema)),
    async (c) => {
      const { connection, ...asked } = c.req.valid('query');
      return c.json(await listTickets(db, { connection }, pageOf(asked), ownSla), 200);
    },
  );
  app.openapi(
    describe('get', '/tickets/{connection}/{id}', 'One ticket', { params: ticketParams }, ticketSchema),
    async (c) => {
      const { connection, id } = c.req.valid('param');
      return c.json(found(await findTicket(db, connection, id, ownSla), 'ticket'), 200);
    },
  );
  // Few events are a page here: each is judged by every rule.
  const whyQuery = z.strictObject({
    limit: z.coerce.number().int().min(1).max(200).default(20),
    after: pageQuery.after,
  });
  app.openapi(
    describe(
      'get',
      '/tickets/{connection}/{id}/why',
      'Every event of a ticket, each rule’s verdict, every run, step and attempt',
      { params: ticketParams, query: whyQuery },
      whySchema,
    ),
    async (c) => {
      const { connection, id } = c.req.valid('param');
      const why = await explainTicket(connection, id, uuidPageOf(c.req.valid('query')), {
        database: deps.database,
        settings: deps.settings,
        ownSla,
        compiled: (ruleSetId) => {
          const book = deps.store.active.current();
          return book.setId === ruleSetId ? book.matcher : null;
        },
      });
      return c.json(why, 200);
    },
  );
}
