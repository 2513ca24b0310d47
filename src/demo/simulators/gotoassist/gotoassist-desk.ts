import { systemClock } from '../../../clock.ts';
import type { Call } from '../support/calls.ts';
import { seededRandom } from '../support/random.ts';
import { html, json, type Reply } from '../support/reply.ts';
import { startSimulator, type DeskClock, type Simulator } from '../support/server.ts';
import type { GotoCore } from './core.ts';
import {
  CallFailed,
  fail,
  type Endpoint,
  type Endpoints,
  type GotoDirection,
  type GotoListing,
} from './endpoint.ts';
import { createHuman, randomEdit, type GotoHuman } from './human.ts';
import { incidentEndpoints } from './incident-endpoints.ts';
import { lookupEndpoints } from './lookup-endpoints.ts';
import { otherEndpoints } from './other-endpoints.ts';
import { gotoIds, seedGoto } from './seed.ts';
import type { GotoIncident, GotoState, GotoUser } from './state.ts';

/** How this desk is set up; what the guide leaves open can be chosen. */
export interface GotoOptions {
  /** Default: the system clock. */
  readonly clock?: DeskClock;
  /** The account-wide API token (default `goto-token`); lists still default to its user's own incidents. */
  readonly token?: string;
  /** Direction of every list (default descending; not documented); `desk.direction` changes it later. */
  readonly direction?: GotoDirection;
  /** Calls per clock hour before E902 (default 200; the guide gives no number). */
  readonly perHour?: number;
  /** Failures come with HTTP 200 (default) or with a status that fits; the guide says both. */
  readonly failures?: 'as_200' | 'by_status';
  /** List rows bare as printed (default) or each in `{"incident":{…}}`. */
  readonly rows?: 'bare' | 'wrapped';
  /** Whether lists without a report show closed incidents (default false; not documented). */
  readonly closedInLists?: boolean;
  /** Most rows of a page (default 500; not documented). */
  readonly maxLimit?: number;
  /** Zone of dates written like `10 Feb 2011, 15:38` (default UTC). */
  readonly timeZone?: string;
  /** Whether an update takes `due_date` (default true; it stands in the guide's examples only). */
  readonly takesDueDate?: boolean;
  /** What reopens: nulls (default, the guide) or empty texts [O]. */
  readonly reopensWith?: 'null' | 'empty';
  /** Seed of random edits (default 1). */
  readonly seed?: number;
  /** false starts without old incidents. */
  readonly oldIncidents?: boolean;
}

/** A running simulated GoToAssist Service Desk. */
export interface GotoDesk extends Simulator {
  /** What goes into a connection's `url`; ends in `/v1`. */
  readonly url: string;
  readonly token: string;
  readonly state: GotoState;
  readonly human: GotoHuman;
  direction: GotoDirection;
  /** Whether list rows are wrapped. */
  rows: 'bare' | 'wrapped';
  incident(ref: number): GotoIncident;
  /** Uses up the budget of the current clock hour. */
  exhaustHour(): void;
  randomEdit(): string;
}

const endpoints: Endpoints = { ...incidentEndpoints, ...lookupEndpoints, ...otherEndpoints };
const hour = 3_600_000;

export async function startGotoDesk(options: GotoOptions = {}): Promise<GotoDesk> {
  const clock = options.clock ?? systemClock;
  const random = seededRandom(options.seed ?? 1);
  const token = options.token ?? 'goto-token';
  const state = seedGoto(clock.now(), options.oldIncidents !== false);
  const core: GotoCore = {
    state,
    clock,
    timeZone: options.timeZone ?? 'UTC',
    reopensWith: options.reopensWith ?? 'null',
    takesDueDate: options.takesDueDate ?? true,
  };
  const budget = hourlyBudget(clock, options.perHour ?? 200);
  const answer = (call: Call): Reply => {
    if (!isApiCall(call))
      return html('<html><head><title>Service Desk</title></head><body>Not found</body></html>', 404);
    try {
      const user = admitted(state, token, call);
      budget.spend();
      const result = route(call)({ core, call, path: numbersIn(call), user, listing: listing() });
      // As the guide's example of "Show Problem" has it.
      if ('problem' in result) return json({ ...result, version: '1.0', status: 'Success' });
      return success(result, desk.rows);
    } catch (error) {
      if (error instanceof CallFailed) return failure(error, options.failures ?? 'as_200');
      throw error;
    }
  };
  const listing = (): GotoListing => ({
    direction: desk.direction,
    closedInLists: options.closedInLists ?? false,
    maxLimit: options.maxLimit ?? 500,
  });
  const simulator = await startSimulator({ clock, base: '/v1', handle: answer });
  const human = createHuman(core);
  const desk: GotoDesk = Object.assign(simulator, {
    url: `${simulator.origin}/v1`,
    token,
    state,
    human,
    direction: options.direction ?? 'desc',
    rows: options.rows ?? 'bare',
    incident: (ref: number) => state.incidents.get(ref) ?? gone(ref),
    exhaustHour: () => budget.exhaust(),
    randomEdit: () => randomEdit(core, human, random),
  });
  return desk;
}

/** "The application has exceeded the request rate limit for this hour": until the clock passes the hour. */
function hourlyBudget(clock: DeskClock, perHour: number): { spend(): void; exhaust(): void } {
  let current = -1;
  let used = 0;
  const roll = (): void => {
    const now = Math.floor(clock.now() / hour);
    if (now !== current) used = 0;
    current = now;
  };
  return {
    spend: () => {
      roll();
      if (++used > perHour)
        throw new CallFailed('E902', 'The application has exceeded the request rate limit for this hour');
    },
    exhaust: () => {
      roll();
      used = perHour;
    },
  };
}

/** Names end in `.json` (or the guide's `.js`), and every call has a content type. */
function isApiCall(call: Call): boolean {
  return /\.(js|json)$/.test(call.name) && (call.headers['content-type'] ?? '').includes('json');
}

/** Basic authentication; the user is ignored, the password is the token. */
function admitted(state: GotoState, token: string, call: Call): GotoUser {
  const [, credential = ''] = (call.headers['authorization'] ?? '').split(' ');
  const pair = Buffer.from(credential, 'base64').toString('utf8');
  const user = state.users.get(gotoIds.deskbot);
  if (pair.slice(pair.indexOf(':') + 1) !== token || user === undefined)
    throw new CallFailed('E906', 'Invalid verifier');
  return user;
}

function route(call: Call): Endpoint {
  const pattern = call.name.replace(/\.(js|json)$/, '').replace(/\/\d+/g, '/:n');
  return endpoints[`${call.method} ${pattern}`] ?? (() => fail('unknown call'));
}

function numbersIn(call: Call): number[] {
  return [...call.name.matchAll(/\/(\d+)/g)].map((match) => Number(match[1]));
}

function success(result: Awaited<ReturnType<Endpoint>>, rows: 'bare' | 'wrapped'): Reply {
  const { incidents } = result;
  const wrap = rows === 'wrapped' && Array.isArray(incidents) && 'total_entries' in result;
  const shown = wrap
    ? { ...result, incidents: incidents.map((incident: unknown) => ({ incident })) }
    : result;
  return json({ result: shown, version: '1.0', status: 'Success' });
}

function failure(error: CallFailed, failures: 'as_200' | 'by_status'): Reply {
  const statuses = { E400: 400, E902: 503, E906: 401 } as const;
  const body = { errors: [{ error: `[${error.code}] ${error.message}` }], version: '1.0', status: 'Failed' };
  return json(body, failures === 'as_200' ? 200 : statuses[error.code]);
}

function gone(ref: number): never {
  throw new Error(`the simulated desk has no incident ${ref}`);
}
