import { systemClock } from '../../../clock.ts';
import type { Call } from '../support/calls.ts';
import type { Delivery } from '../support/outbox.ts';
import { seededRandom } from '../support/random.ts';
import { html, nothing, text, type Reply } from '../support/reply.ts';
import { startSimulator, type DeskClock, type Simulator } from '../support/server.ts';
import type { JitbitBehaviour, JitbitCore, JitbitEditName } from './core.ts';
import type { Endpoints } from './endpoint.ts';
import { createGate, type Gate, type GateOptions } from './gate.ts';
import { createHuman, randomEdit, type JitbitHuman } from './human.ts';
import type { RowOrder } from './list.ts';
import { commentEndpoints, linkEndpoints, lookupEndpoints, type CommentReply } from './other-endpoints.ts';
import { paramsOf } from './params.ts';
import { jitbitIds, seedJitbit } from './seed.ts';
import type { JitbitComment, JitbitState, JitbitTicket } from './state.ts';
import { ticketEndpoints } from './ticket-endpoints.ts';
import { createWebhooks, type JitbitWebhook } from './webhooks.ts';

/** How this desk is set up; what the document leaves open can be chosen. */
export interface JitbitOptions {
  /** Default: the system clock. */
  readonly clock?: DeskClock;
  /** The server's zone for dates in filters and for times without offset (default UTC). */
  readonly timeZone?: string;
  /** Order of `Tickets` rows (default newest first); can be changed later by `desk.rowOrder`. */
  readonly rowOrder?: RowOrder;
  /** Seed of shuffled rows and random edits (default 1). */
  readonly seed?: number;
  /** Beyond the budget: HTTP 429 (default), slow answers, or no limit at all. */
  readonly rateLimit?: 'refuse' | 'slow' | 'off';
  /** Default 90, "most of the calls are limited to 90 times per minute". */
  readonly perMinute?: number;
  /** Search and UserByEmail, default 60. */
  readonly searchPerMinute?: number;
  /** How late a slow answer is (default 3000). */
  readonly slowMs?: number;
  /** Whether wrong bearer tokens count for the lock-out like wrong passwords (default true; not documented). */
  readonly badTokensCount?: boolean;
  /** Edits that do not move `LastUpdated` (default subscribers and links; not documented). */
  readonly silentEdits?: readonly JitbitEditName[];
  /** Whether changes of fields leave an `IsSystem` comment (default true). */
  readonly logChanges?: boolean;
  /** What becomes of a comment's text: as sent, with `\r\n` (default, as in the document's sample), or HTML. */
  readonly commentBodies?: 'as_sent' | 'crlf' | 'html';
  /** What `comment` answers (default nothing; not documented). */
  readonly commentReply?: CommentReply;
  /** Order of `comments` (default newest first; not documented). */
  readonly commentOrder?: 'newest_first' | 'oldest_first';
  /** Whether a technician's reply opens a new ticket and a requester's reply a closed one (default false). */
  readonly replyOpens?: boolean;
  /** The token of the user deskbot (default `deskbot-token`); everybody else's is `<username>-token`. */
  readonly token?: string;
  /** false starts without the twenty old tickets; people and categories are there anyway. */
  readonly oldTickets?: boolean;
}

/** A running simulated Jitbit Helpdesk. */
export interface JitbitDesk extends Simulator {
  /** What goes into a connection's `url`: everything before `/api`. */
  readonly url: string;
  /** deskbot's bearer token: an administrator, technician in every category. */
  readonly token: string;
  readonly state: JitbitState;
  readonly human: JitbitHuman;
  readonly deliveries: readonly Delivery[];
  rowOrder: RowOrder;
  /** The ticket as it stands; throws when it is gone. */
  ticket(id: number): JitbitTicket;
  /** A ticket's comments, oldest first; log lines only when asked for. */
  comments(id: number, how?: { system?: boolean }): JitbitComment[];
  /** Adds an automation rule; the returned function removes it. */
  addWebhook(webhook: JitbitWebhook): () => void;
  /** Resolves when no delivery is under way. */
  settled(): Promise<void>;
  /** One seeded random edit by a person; says what it was. */
  randomEdit(): string;
}

export async function startJitbitDesk(options: JitbitOptions = {}): Promise<JitbitDesk> {
  const clock = options.clock ?? systemClock;
  const random = seededRandom(options.seed ?? 1);
  const state = seedJitbit(clock.now());
  const token = options.token ?? 'deskbot-token';
  const bot = state.users.get(jitbitIds.deskbot);
  if (bot !== undefined) bot.token = token;
  if (options.oldTickets === false) {
    state.tickets.clear();
    state.comments.length = 0;
  }
  const gate = createGate(state, clock, gateOptions(options));
  const endpoints: Endpoints = {
    ...ticketEndpoints(() => desk.rowOrder, random),
    ...commentEndpoints(options.commentReply ?? 'empty', options.commentOrder !== 'oldest_first'),
    ...lookupEndpoints,
    ...linkEndpoints,
  };
  const simulator = await startSimulator({
    clock,
    base: '/helpdesk/api',
    gzip: true,
    handle: (call) => handle(core, gate, endpoints, call),
  });
  const core: JitbitCore = {
    state,
    clock,
    behaviour: behaviour(options, simulator.origin),
    fire: () => undefined,
  };
  const webhooks = createWebhooks(core);
  const human = createHuman(core);
  const desk: JitbitDesk = Object.assign(simulator, {
    url: `${simulator.origin}/helpdesk`,
    token,
    state,
    human,
    deliveries: webhooks.deliveries,
    rowOrder: options.rowOrder ?? 'newest_first',
    ticket: (id: number) => state.tickets.get(id) ?? gone(id),
    comments: (id: number, how: { system?: boolean } = {}) =>
      state.comments.filter(
        (comment) => comment.ticketId === id && (how.system === true || !comment.isSystem),
      ),
    addWebhook: (webhook: JitbitWebhook) => webhooks.add(webhook),
    settled: () => webhooks.settled(),
    randomEdit: () => randomEdit(core, human, random),
  });
  return desk;
}

function gateOptions(options: JitbitOptions): GateOptions {
  return {
    rateLimit: options.rateLimit ?? 'refuse',
    perMinute: options.perMinute ?? 90,
    searchPerMinute: options.searchPerMinute ?? 60,
    slowMs: options.slowMs ?? 3000,
    badTokensCount: options.badTokensCount ?? true,
  };
}

function behaviour(options: JitbitOptions, origin: string): JitbitBehaviour {
  return {
    origin,
    timeZone: options.timeZone ?? 'UTC',
    silentEdits: options.silentEdits ?? ['subscribers', 'links'],
    logChanges: options.logChanges ?? true,
    commentBodies: options.commentBodies ?? 'crlf',
    replyOpens: options.replyOpens ?? false,
  };
}

async function handle(core: JitbitCore, gate: Gate, endpoints: Endpoints, call: Call): Promise<Reply> {
  if (call.name === '') return page(call);
  const user = await gate.admit(call);
  // "Use Query-string or POST vars, not JSON."
  if ((call.headers['content-type'] ?? '').includes('json'))
    return text('Use query-string or POST vars, not JSON', 400);
  const endpoint = endpoints[`${call.method} ${call.name}`] ?? anyMethod(endpoints, call);
  if (endpoint !== undefined) {
    return endpoint({ core, user, actor: { userId: user.id, source: 'api' }, params: paramsOf(call), call });
  }
  const other = ['GET', 'POST'].some((method) => endpoints[`${method} ${call.name}`] !== undefined);
  return other ? text(`The requested resource does not support ${call.method}`, 405) : text('Not found', 404);
}

function anyMethod(endpoints: Endpoints, call: Call): Endpoints[string] | undefined {
  return call.method === 'GET' || call.method === 'POST' ? endpoints[`* ${call.name}`] : undefined;
}

/** Outside the API there is the web application: everything leads to its sign-in page. */
function page(call: Call): Reply {
  if (!/\/user\/login$/i.test(call.path)) return nothing(302, { location: '/helpdesk/User/Login' });
  return html('<html><head><title>Sign in</title></head><body><form>User name</form></body></html>');
}

function gone(id: number): never {
  throw new Error(`the simulated desk has no ticket ${id}`);
}
