import { systemClock } from '../../../clock.ts';
import type { Call } from '../support/calls.ts';
import { createOutbox, type Delivery } from '../support/outbox.ts';
import { seededRandom } from '../support/random.ts';
import { html, json, type Reply } from '../support/reply.ts';
import { startSimulator, type DeskClock, type Simulator } from '../support/server.ts';
import type { InvgateBehaviour, InvgateCore, InvgateHook } from './core.ts';
import { createDoor, type Door } from './door.ts';
import { paramsOf, problem, type Endpoints, type Request } from './endpoint.ts';
import { extraEndpoints } from './extras.ts';
import { createHuman, randomEdit, type InvgateHuman } from './human.ts';
import { lookupEndpoints } from './lookups.ts';
import { readEndpoints } from './reads.ts';
import { seedInvgate } from './seed.ts';
import type { InvgateComment, InvgateRequest, InvgateState } from './state.ts';
import { writeEndpoints } from './writes.ts';

/** How this desk is set up; what the manual leaves open can be chosen. */
export interface InvgateOptions {
  /** Default: the system clock. */
  readonly clock?: DeskClock;
  /** Newer (default) or older answers; `desk.envelope` and `desk.envelopes` change it later, per call too. */
  readonly envelope?: 'new' | 'old';
  /** Whether `requestIds` are text (default true). */
  readonly stringIds?: boolean;
  /** Where writes read their parameters: query or form (default), or the query alone. JSON never arrives. */
  readonly writesIn?: 'form' | 'query';
  /** Whether a comment moves `last_update` (default false; not documented). */
  readonly commentBumps?: boolean;
  /** Whether a custom field moves `last_update` (default false; not documented). */
  readonly fieldBumps?: boolean;
  /** Unknown ids in `incidents?ids[]` are left out (default) or fail the call. */
  readonly unknownIds?: 'omitted' | 'error';
  /** Statuses shown by `incidents.by.status` and `.by.helpdesk` (default 1-5: "open requests"). */
  readonly listedStatuses?: readonly number[];
  /** Rows per page of `details.by.view` in newer versions (default 1000); older ones have 10. */
  readonly viewPageSize?: number;
  /** Rows per page of `incidents.last.hour` in newer versions (default 100; not documented). */
  readonly hourPageSize?: number;
  /** Basic credentials (default `api` and `invgate-key`). */
  readonly user?: string;
  readonly key?: string;
  /** OAuth2 tokens always come without scopes, which gives 403 everywhere (default false). */
  readonly emptyScopes?: boolean;
  /** Seed of random edits (default 1). */
  readonly seed?: number;
  /** false starts without old requests. */
  readonly oldRequests?: boolean;
}

/** An automation rule or workflow that calls a web service (integration reference 2.7). */
export interface InvgateWebhook {
  readonly url: string;
  readonly on: readonly InvgateHook[];
  /** Default JSON `{"request_id":"<id>"}`; `form` sends `request_id=<id>`. */
  readonly format?: 'json' | 'form';
  readonly headers?: Readonly<Record<string, string>>;
}

/** A running simulated InvGate Service Desk. */
export interface InvgateDesk extends Simulator {
  /** What goes into a connection's `url`; ends in `/api/v1`. */
  readonly url: string;
  readonly user: string;
  readonly key: string;
  readonly oauth: { readonly clientId: string; readonly clientSecret: string; readonly url: string };
  readonly state: InvgateState;
  readonly human: InvgateHuman;
  readonly deliveries: readonly Delivery[];
  /** Envelopes of single calls by name, over the desk's own: `envelopes.set('incidents.last.hour', 'old')`. */
  readonly envelopes: Map<string, 'new' | 'old'>;
  envelope: 'new' | 'old';
  request(id: number): InvgateRequest;
  comments(id: number): InvgateComment[];
  addWebhook(webhook: InvgateWebhook): () => void;
  settled(): Promise<void>;
  expireTokens(): void;
  randomEdit(): string;
}

const tokenPath = '/oauth/v2.0/access_token';
const endpoints: Endpoints = { ...readEndpoints, ...writeEndpoints, ...extraEndpoints, ...lookupEndpoints };

export async function startInvgateDesk(options: InvgateOptions = {}): Promise<InvgateDesk> {
  const clock = options.clock ?? systemClock;
  const random = seededRandom(options.seed ?? 1);
  const credentials = { user: options.user ?? 'api', key: options.key ?? 'invgate-key' };
  const client = { clientId: 'deskhand', clientSecret: 'invgate-client-secret' };
  const door = createDoor(clock, {
    ...credentials,
    ...client,
    emptyScopes: options.emptyScopes ?? false,
    tokenSeconds: 3600,
  });
  const outbox = createOutbox();
  const hooks = new Set<InvgateWebhook>();
  const core: InvgateCore = {
    clock,
    state: seedInvgate(Math.floor(clock.now() / 1000), options.oldRequests !== false),
    behaviour: behaviour(options),
    fire: (hook, requestId) => {
      for (const webhook of hooks) if (webhook.on.includes(hook)) callService(webhook, hook, requestId);
    },
  };
  const callService = (webhook: InvgateWebhook, trigger: InvgateHook, ticketId: number): void => {
    const form = webhook.format === 'form';
    const type = form ? 'application/x-www-form-urlencoded' : 'application/json';
    const body = form ? `request_id=${ticketId}` : `{"request_id":"${ticketId}"}`;
    outbox.send({ url: webhook.url, trigger, ticketId, body }, { 'content-type': type, ...webhook.headers });
  };
  const simulator = await startSimulator({
    clock,
    base: '/api/v1',
    handle: (call) => handle(door, call, toRequest),
  });
  const toRequest = (call: Call): Request => ({
    core,
    call,
    newer: (desk.envelopes.get(call.name) ?? desk.envelope) === 'new',
    params: paramsOf(parameters(call, options.writesIn ?? 'form')),
  });
  const human = createHuman(core);
  const url = `${simulator.origin}/api/v1`;
  const desk: InvgateDesk = Object.assign(simulator, {
    url,
    ...credentials,
    oauth: { ...client, url: `${simulator.origin}${tokenPath}` },
    state: core.state,
    human,
    deliveries: outbox.deliveries,
    envelopes: new Map<string, 'new' | 'old'>(),
    envelope: options.envelope ?? 'new',
    request: (id: number) => core.state.requests.get(id) ?? gone(id),
    comments: (id: number) => core.state.comments.filter((comment) => comment.requestId === id),
    addWebhook: (webhook: InvgateWebhook) => {
      hooks.add(webhook);
      return () => void hooks.delete(webhook);
    },
    settled: () => outbox.settled(),
    expireTokens: () => door.expireTokens(),
    randomEdit: () => randomEdit(core, human, random),
  });
  return desk;
}

function behaviour(options: InvgateOptions): InvgateBehaviour {
  return {
    stringIds: options.stringIds ?? true,
    commentBumps: options.commentBumps ?? false,
    fieldBumps: options.fieldBumps ?? false,
    unknownIds: options.unknownIds ?? 'omitted',
    listedStatuses: options.listedStatuses ?? [1, 2, 3, 4, 5],
    viewPageSize: options.viewPageSize ?? 1000,
    hourPageSize: options.hourPageSize ?? 100,
  };
}

/** Calls are flat dotted names; a wrong method is 405 [O]. */
function handle(door: Door, call: Call, toRequest: (call: Call) => Request): Reply {
  if (call.path === tokenPath && call.method === 'POST') return door.token(call);
  if (call.name === '')
    return html('<html><head><title>InvGate Service Desk</title></head><body>Sign in</body></html>');
  door.admit(call);
  const endpoint = endpoints[`${call.method} ${call.name}`];
  if (endpoint === undefined) {
    const known = Object.keys(endpoints).some((key) => key.endsWith(` ${call.name}`));
    return known ? problem(405, 'Method not allowed') : problem(404, 'Not found');
  }
  return json(endpoint(toRequest(call)));
}

/** GET and DELETE take the query; forms reach POST and PUT unless the desk is set to read the query alone. */
function parameters(call: Call, writesIn: 'form' | 'query'): URLSearchParams {
  const takesForm = writesIn === 'form' && (call.method === 'POST' || call.method === 'PUT');
  if (takesForm) return call.params;
  return new URLSearchParams(call.query);
}

function gone(id: number): never {
  throw new Error(`the simulated desk has no request ${id}`);
}
