import { createAdapter, type Plans } from '../create-adapter.ts';
import { createZone, toWallTime } from '../http/dates.ts';
import { isPlainHttp } from '../http/settings.ts';
import { createWarnedDates } from '../http/warned-dates.ts';
import type { Adapter, CallContext, SelfTest, VendorIo } from '../vendor.ts';
import { createJitbitClient } from './client.ts';
import { readPage, type FeedReader } from './feeds.ts';
import { JitbitLookups } from './lookups.ts';
import { listChildren, send } from './perform.ts';
import { commentWrite, planCreate, planTime } from './plan-append.ts';
import { planReassign, planSet } from './plan-fields.ts';
import { planLink, planTags, planWatch } from './plan-lists.ts';
import { planMove, planWait } from './plan-move.ts';
import { DeskUser, TicketListRow } from './schema.ts';
import type { JitbitSettings } from './settings.ts';
import { readChanged, readTicket } from './tickets.ts';
import type { Planner } from './write.ts';

/** A filter that nothing can pass; rows in its answer mean that the desk ignores the filter. */
const IMPOSSIBLE_DATE = '2999-01-01';

const plans: Plans<Planner> = {
  reassign: planReassign,
  comment: ({ text, public: isPublic }, ticket, { done }) =>
    done.has('comment') ? null : commentWrite(ticket.id, text, isPublic),
  set: planSet,
  tag: planTags,
  watch: planWatch,
  close: planMove,
  resolve: planMove,
  reopen: planMove,
  wait_for: planWait,
  create_ticket: planCreate,
  time_entry: planTime,
  link: planLink,
};

export function createJitbitAdapter(settings: JitbitSettings, io: VendorIo): Adapter {
  const client = createJitbitClient(settings, io);
  const lookups = new JitbitLookups(client, settings, io);
  const mapping = { settings, toInstant: createWarnedDates(io, settings.time_zone) };
  const zone = settings.write_time_zone === undefined ? null : createZone(settings.write_time_zone);
  const writeTime = (instant: string): string => (zone === null ? instant : toWallTime(instant, zone));
  return createAdapter<FeedReader, Planner>(
    { client, lookups, io, mapping },
    {
      name: 'Jitbit',
      selfTest,
      readPage,
      readChanged,
      readTicket,
      planner: (planning) => ({ ...planning, writeTime }),
      plans,
      send,
      listChildren,
    },
  );
}

async function selfTest({ client, mapping }: FeedReader, context: CallContext): Promise<SelfTest> {
  const user = await client.authorize(DeskUser, context);
  const findings: string[] = [];
  if (!user.IsAdmin && !user.IsTech) {
    findings.push('the account is neither administrator nor technician: it sees only its own tickets');
  } else if (!user.IsAdmin) {
    findings.push('the account is no administrator: it sees the categories it is a technician of');
  }
  const probe = { mode: 'all', updatedFrom: IMPOSSIBLE_DATE, count: 1 };
  const { rows } = await client.list('Tickets', probe, TicketListRow, context);
  if (rows.length > 0) findings.push('the desk ignores updatedFrom: every poll walks all tickets');
  if (isPlainHttp(mapping.settings.url)) findings.push('url is http: the credentials travel unencrypted');
  return { botUserId: user.UserID, findings };
}
