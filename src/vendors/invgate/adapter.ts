import { createAdapter, type Plans } from '../create-adapter.ts';
import { createWarnedDates } from '../http/warned-dates.ts';
import type { Adapter, VendorIo } from '../vendor.ts';
import { Author } from './author.ts';
import { createInvgateClient } from './client.ts';
import { readPage } from './feeds.ts';
import { InvgateLookups } from './lookups.ts';
import { listChildren, send } from './perform.ts';
import { commentWrite, planCreate, planNews, planTime } from './plan-append.ts';
import { planReassign, planSet } from './plan-fields.ts';
import { planApprove, planLink, planWatch } from './plan-lists.ts';
import { planMove, planWait } from './plan-move.ts';
import type { Reader } from './reader.ts';
import { selfTest } from './self-test.ts';
import type { InvgateSettings } from './settings.ts';
import { readChanged, readTicket } from './tickets.ts';
import type { Planner } from './write.ts';

const plans: Plans<Planner> = {
  reassign: planReassign,
  comment: ({ text, public: isPublic }, ticket, planner) =>
    planner.done.has('comment') ? null : commentWrite(ticket.id, text, isPublic, planner),
  set: planSet,
  watch: planWatch,
  close: planMove,
  resolve: planMove,
  reopen: planMove,
  wait_for: planWait,
  create_ticket: planCreate,
  time_entry: planTime,
  link: planLink,
  approve: planApprove,
  breaking_news: planNews,
};

export function createInvgateAdapter(settings: InvgateSettings, io: VendorIo): Adapter {
  const client = createInvgateClient(settings, io);
  const lookups = new InvgateLookups(client, settings, io);
  const author = new Author(settings, lookups.people, io);
  const reader: Reader = {
    client,
    lookups,
    io,
    mapping: { settings, toInstant: createWarnedDates(io, settings.time_zone) },
    viewId: settings.view_id ?? null,
    whole: new WeakMap(),
  };
  return createAdapter<Reader, Planner>(reader, {
    name: 'InvGate',
    selfTest: (_, context) => selfTest(reader, author, context),
    readPage,
    readChanged,
    readTicket,
    planner: (planning) => ({ ...planning, author: () => author.id(planning.context) }),
    plans,
    send,
    listChildren,
  });
}
