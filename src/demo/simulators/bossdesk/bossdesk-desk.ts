import { systemClock } from '../../../clock.ts';
import type { Call } from '../support/calls.ts';
import { seededRandom } from '../support/random.ts';
import { html, json, type Reply } from '../support/reply.ts';
import { startSimulator, type DeskClock, type Simulator } from '../support/server.ts';
import { type BossBehaviour, type BossCore, type BossSearchMode } from './core.ts';
import type { Endpoint, Endpoints, Request } from './endpoint.ts';
import { createHuman, randomEdit, type BossHuman } from './human.ts';
import { childEndpoints, lookupEndpoints } from './other-endpoints.ts';
import { bossIds, seedBoss } from './seed.ts';
import type { BossState, BossTicket } from './state.ts';
import { ticketEndpoints } from './ticket-endpoints.ts';

/** How this desk is set up; what the manual leaves open can be chosen. */
export interface BossOptions {
  /** Default: the system clock. */
  readonly clock?: DeskClock;
  /** The API key (default `bossdesk-key`). */
  readonly key?: string;
  /** What the ticket list does with `q[…]` (default honours it); `desk.searchMode` changes it later. */
  readonly searchMode?: BossSearchMode;
  /** The account's zone as an IANA name (default UTC). */
  readonly timeZone?: string;
  /** Whether comments, tasks and time entries move `updated_at` (default true; not documented). */
  readonly childrenTouch?: boolean;
  /** Whether writing `custom_fields` erases the others (default false; not documented). */
  readonly fieldsReplace?: boolean;
  /** Whether open tasks keep a ticket from being closed (default false). */
  readonly tasksBlockClosing?: boolean;
  /** Seed of random edits (default 1). */
  readonly seed?: number;
  /** false starts without old tickets. */
  readonly oldTickets?: boolean;
}

/** A running simulated BOSSDesk. */
export interface BossDesk extends Simulator {
  /** What goes into a connection's `url`; ends in `/api/v1`. */
  readonly url: string;
  readonly key: string;
  readonly state: BossState;
  readonly human: BossHuman;
  searchMode: BossSearchMode;
  /** The plan has run out: every call is 402. */
  lapsed: boolean;
  ticket(friendlyId: number): BossTicket;
  randomEdit(): string;
}

const endpoints: Endpoints = { ...ticketEndpoints, ...childEndpoints, ...lookupEndpoints };

export async function startBossDesk(options: BossOptions = {}): Promise<BossDesk> {
  const clock = options.clock ?? systemClock;
  const random = seededRandom(options.seed ?? 1);
  const key = options.key ?? 'bossdesk-key';
  const state = seedBoss(clock.now() * 1000, options.oldTickets !== false);
  const core: BossCore = { state, clock, behaviour: behaviour(options) };
  const simulator = await startSimulator({
    clock,
    base: '/api/v1',
    handle: (call) => handle(core, desk, call),
  });
  const human = createHuman(core);
  const desk: BossDesk = Object.assign(simulator, {
    url: `${simulator.origin}/api/v1`,
    key,
    state,
    human,
    searchMode: options.searchMode ?? 'honours',
    lapsed: false,
    ticket: (friendlyId: number) => state.tickets.get(friendlyId) ?? gone(friendlyId),
    randomEdit: () => randomEdit(core, human, random),
  });
  return desk;
}

function behaviour(options: BossOptions): BossBehaviour {
  return {
    timeZone: options.timeZone ?? 'UTC',
    childrenTouch: options.childrenTouch ?? true,
    fieldsReplace: options.fieldsReplace ?? false,
    tasksBlockClosing: options.tasksBlockClosing ?? false,
  };
}

function handle(core: BossCore, desk: BossDesk, call: Call): Reply {
  if (call.name === '') return html('<html><head><title>BOSSDesk</title></head><body>Sign in</body></html>');
  if (call.name === 'sessions') return session(core, desk, call);
  if (call.headers['authorization'] !== `Token token="${desk.key}"`)
    return json({ error: 'Unauthorized' }, 401);
  if (desk.lapsed) return json({ error: 'Your plan does not include API access' }, 402);
  // "With every request you must set the following Authorization and Content-Type headers."
  if (!(call.headers['content-type'] ?? '').includes('application/json'))
    return json({ error: 'Bad request' }, 400);
  const [endpoint, path] = route(call);
  if (endpoint === undefined) return json({ error: 'Not found' }, 404);
  const request: Request = { core, call, path, mode: desk.searchMode };
  return endpoint(request);
}

/** "To get the user's API key, you must first authenticate with HTTP Basic Auth." */
function session(core: BossCore, desk: BossDesk, call: Call): Reply {
  const expected = `Basic ${Buffer.from('deskbot:deskbot-password').toString('base64')}`;
  if (call.headers['authorization'] !== expected) return json({ error: 'Unauthorized' }, 401);
  const user = core.state.users.get(bossIds.deskbot);
  return json({
    id: bossIds.deskbot,
    friendly_id: user?.friendlyId,
    username: 'deskbot',
    api_key: desk.key,
    permissions: {},
  });
}

function route(call: Call): [Endpoint | undefined, number[]] {
  const pattern = call.name.replace(/\/\d+/g, '/:n');
  const numbers = [...call.name.matchAll(/\/(\d+)/g)].map((match) => Number(match[1]));
  return [endpoints[`${call.method} ${pattern}`], numbers];
}

function gone(friendlyId: number): never {
  throw new Error(`the simulated desk has no ticket ${friendlyId}`);
}
