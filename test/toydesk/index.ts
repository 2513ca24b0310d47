import { z } from 'zod';
import { commonVendorShape } from '../../src/vendors/common-settings.ts';
import { createVendorHttp, type VendorHttp } from '../../src/vendors/http/client.ts';
import { baseUrl } from '../../src/vendors/http/settings.ts';
import { readShape } from '../../src/vendors/http/shape.ts';
import type { Comment } from '../../src/ticket.ts';
import type { Adapter, Vendor, VendorIo } from '../../src/vendors/vendor.ts';

/** The smallest vendor that is one: a list that is read whole, and comments. Everything it needs is in this folder. */

const ToydeskSettings = z.strictObject({
  ...commonVendorShape,
  url: baseUrl('https://toydesk.test'),
  key: z.string().min(1, { error: 'is empty' }),
});
type ToydeskSettings = z.infer<typeof ToydeskSettings>;

const Row = z.object({
  no: z.int().transform(String),
  title: z.string(),
  queue: z.string(),
  opened: z.string(),
  notes: z.array(z.string()),
});
type Row = z.infer<typeof Row>;

export const toydesk: Vendor<ToydeskSettings> = {
  id: 'toydesk',
  name: 'Toydesk',
  settings: ToydeskSettings,
  capabilities: {
    feeds: [{ name: 'tickets', cursor: 'window', pollEveryMs: 60_000, windowMs: null }],
    actions: { comment: ['text'] },
    commentIdReturned: true,
    textFormat: 'plain',
    budgets: { default: { rate: 6_000, burst: 600, perMs: 60_000 } },
  },
  inbound: null,
  connect: createAdapter,
};

function createAdapter(settings: ToydeskSettings, io: VendorIo): Adapter {
  const http: VendorHttp = createVendorHttp({
    vendor: toydesk,
    baseUrl: settings.url,
    headers: { 'x-key': settings.key },
    secrets: [settings.key],
    io,
  });
  const observed = (row: Row) => ({
    id: row.no,
    title: row.title,
    queue: { id: row.queue, name: row.queue },
    phase: 'open' as const,
    created_at: row.opened,
    updated_at: row.opened,
    raw: row,
  });
  const comments = (row: Row): readonly Comment[] =>
    row.notes.map((text, index) => {
      const by = { id: 'toy', name: 'Toy', email: null, kind: 'agent' } as const;
      return {
        id: String(index + 1),
        at: row.opened,
        author: by,
        text,
        public: false,
        system: false,
        solution: false,
      };
    });
  const refused = (message: string) => http.error(message, 'refused', { notApplied: true });
  return {
    async selfTest(context) {
      await http.call({ method: 'GET', path: 'tickets' }, context);
      return { botUserId: 'toy', findings: [] };
    },
    async readPage(_feed, _position, _needs, context) {
      const answer = await http.call({ method: 'GET', path: 'tickets' }, context);
      const rows = readShape(http, 'GET tickets', z.array(Row), answer.json());
      return {
        rows: rows.map((row) => ({ observed: observed(row), version: JSON.stringify(row) })),
        occurrences: [],
        next: null,
        cursor: { read: rows.length },
      };
    },
    readChanged: async (rows) =>
      rows.map(({ observed: ticket }) => ({
        gone: false,
        id: ticket.id,
        observed: ticket,
        comments: comments(ticket.raw as Row),
      })),
    async readTicket(id, needs, context) {
      const answer = await http.call({ method: 'GET', path: `tickets/${id}` }, context);
      const raw = answer.json();
      const row = readShape(http, `GET tickets/${id}`, Row, raw);
      return {
        gone: false,
        id,
        observed: observed(row),
        comments: needs.has('comments') ? comments(row) : null,
      };
    },
    async nextWrite(action, ticket, done) {
      if (action.action !== 'comment' || ticket === null) throw refused(`${action.action}: not in Toydesk`);
      if (done.has('comment')) return null;
      return {
        part: 'comment',
        kind: 'append',
        sets: {},
        append: { children: `comments:${ticket.id}`, text: action.text },
        request: { path: `tickets/${ticket.id}/notes`, text: action.text },
      };
    },
    async send({ request }, context) {
      const { path, text } = z.object({ path: z.string(), text: z.string() }).parse(request);
      const answer = await http.call({ method: 'POST', path, json: { text } }, context);
      return {
        childId: String(readShape(http, `POST ${path}`, z.object({ id: z.int() }), answer.json()).id),
      };
    },
    listChildren: async () => null,
    close: () => http.close(),
  };
}
