import { createAdapter, type Plans } from '../create-adapter.ts';
import { isPlainHttp } from '../http/settings.ts';
import { createWarnedDates } from '../http/warned-dates.ts';
import type { Adapter, CallContext, SelfTest, VendorIo } from '../vendor.ts';
import { createBossdeskClient } from './client.ts';
import { readPage } from './feeds.ts';
import { BossdeskLookups } from './lookups.ts';
import { BossdeskPeople } from './people.ts';
import { listChildren, send } from './perform.ts';
import { commentWrite, planCreate, planTask, planTime } from './plan-append.ts';
import { planReassign, planSet } from './plan-fields.ts';
import { planMove, planWait } from './plan-move.ts';
import { planTags } from './plan-tags.ts';
import { Account } from './schema.ts';
import { fallbackOf, probeSearch } from './search.ts';
import type { BossdeskSettings } from './settings.ts';
import { readChanged, readTicket, type BossdeskReader } from './tickets.ts';
import type { Planner } from './write.ts';

const plans: Plans<Planner> = {
  reassign: planReassign,
  comment: ({ text, public: isPublic }, ticket, { done }) =>
    done.has('comment') ? null : commentWrite(ticket.id, text, isPublic),
  set: planSet,
  tag: planTags,
  close: planMove,
  resolve: planMove,
  reopen: planMove,
  wait_for: planWait,
  create_ticket: planCreate,
  task: planTask,
  time_entry: planTime,
};

export function createBossdeskAdapter(settings: BossdeskSettings, io: VendorIo): Adapter {
  const client = createBossdeskClient(settings, io);
  const reader: BossdeskReader = {
    client,
    lookups: new BossdeskLookups(client, io),
    people: new BossdeskPeople(client, io),
    mapping: { settings, toInstant: createWarnedDates(io, settings.time_zone) },
    io,
  };
  return createAdapter(reader, {
    name: 'BOSSDesk',
    selfTest,
    readPage,
    readChanged,
    readTicket,
    planner: (planning) => planning,
    plans,
    send,
    listChildren,
  });
}

async function selfTest(reader: BossdeskReader, context: CallContext): Promise<SelfTest> {
  const { client, mapping } = reader;
  const account = await client.find('account', Account, context);
  const findings: string[] = [];
  if (account === null) findings.push('the account cannot be read: is this the address of BOSSDesk API v1?');
  const botUserId = await findAuthor(reader, findings, context);
  const fallback = fallbackOf((await probeSearch(reader, context)).mode);
  if (fallback !== null) findings.push(`degraded: ${fallback}`);
  if (isPlainHttp(mapping.settings.url)) findings.push('url is http: the key travels unencrypted');
  return { botUserId, findings };
}

/** The user whose key we have: the API does not say, so the configuration does. */
async function findAuthor(
  { mapping, people }: BossdeskReader,
  findings: string[],
  context: CallContext,
): Promise<string | null> {
  const { author } = mapping.settings;
  if (author === undefined) {
    findings.push('author is not set: give the user name of the key, so that own comments are recognised');
    return null;
  }
  return (await people.user(author, context)).id;
}
