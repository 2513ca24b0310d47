import { Cached } from '../cached.ts';
import { createAdapter, type Plans } from '../create-adapter.ts';
import { isPlainHttp } from '../http/settings.ts';
import { createWarnedDates } from '../http/warned-dates.ts';
import type { Adapter, CallContext, SelfTest, VendorIo } from '../vendor.ts';
import { createGotoassistClient } from './client.ts';
import { readPage } from './feeds.ts';
import { directionOf, NO_ORDER, readList } from './list.ts';
import { GotoassistLookups } from './lookups.ts';
import { otherIn } from './others.ts';
import { GotoassistPeople } from './people.ts';
import { listChildren, send } from './perform.ts';
import { planComment, planCreate, planTime } from './plan-append.ts';
import { planReassign, planSet } from './plan-fields.ts';
import { planLink, planWatch } from './plan-lists.ts';
import { planMove } from './plan-move.ts';
import type { GotoassistSettings } from './settings.ts';
import { readChanged, readTicket, type GotoassistReader } from './tickets.ts';
import type { Planner } from './write.ts';

/** The author does not change while the token does not. */
const AUTHOR_TTL_MS = 24 * 3_600_000;

const plans: Plans<Planner> = {
  reassign: planReassign,
  comment: planComment,
  set: planSet,
  watch: planWatch,
  close: planMove,
  resolve: planMove,
  reopen: planMove,
  create_ticket: planCreate,
  time_entry: planTime,
  link: planLink,
};

export function createGotoassistAdapter(settings: GotoassistSettings, io: VendorIo): Adapter {
  const client = createGotoassistClient(settings, io);
  const people = new GotoassistPeople(client, io);
  const lookups = new GotoassistLookups(client, settings, io);
  const mapping = { settings, toInstant: createWarnedDates(io, settings.time_zone) };
  const reader: GotoassistReader = { client, lookups, people, mapping, io };
  const author = new Cached((context: CallContext) => findAuthor(reader, context), io.clock);
  const adapter = createAdapter<GotoassistReader, Planner>(reader, {
    name: 'GoToAssist',
    selfTest,
    readPage,
    readChanged,
    readTicket,
    planner: async (planning) => ({
      ...planning,
      authorId: await author.get(planning.context, AUTHOR_TTL_MS),
    }),
    plans,
    send,
    listChildren,
  });
  return {
    ...adapter,
    async nextWrite(action, ticket, done, context) {
      if (ticket !== null && otherIn(ticket.id) !== null) {
        throw client.refused(`${action.action}: problems, changes and releases are only read`);
      }
      return adapter.nextWrite(action, ticket, done, context);
    },
  };
}

async function selfTest(reader: GotoassistReader, context: CallContext): Promise<SelfTest> {
  const { mapping, people } = reader;
  const current = await people.current(context);
  const { author, url } = mapping.settings;
  const botUserId = author === undefined ? current.id : (await people.user(author, context)).id;
  const findings: string[] = [];
  const list = await readList(reader, 1, context);
  if (directionOf(list.rows) === 'mixed') findings.push(`degraded: ${NO_ORDER}`);
  if (isPlainHttp(url)) findings.push('url is http: the token travels unencrypted');
  return { botUserId, findings };
}

/** The configured user; else the one whose token it is. */
async function findAuthor({ mapping, people }: GotoassistReader, context: CallContext): Promise<string> {
  const { author } = mapping.settings;
  if (author === undefined) return (await people.current(context)).id;
  return /^\d+$/.test(author) ? author : (await people.user(author, context)).id;
}
