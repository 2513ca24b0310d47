/**
 * Every call that this adapter makes. OAuth2 wants one scope per endpoint and method, and a token without the scope
 * gives 403 (integration reference 2.1), so the list is also what a token is asked for.
 */
export const CALLS = [
  'GET sd.version',
  'GET incident',
  'GET incidents',
  'GET incidents.last.hour',
  'GET incidents.by.status',
  'GET incidents.by.customer',
  'GET incidents.details.by.view',
  'GET incident.comment',
  'GET incident.approval',
  'GET incident.approval.possible_voters',
  'GET incident.link',
  'GET incident.observer',
  'GET triggers',
  'GET triggers.executions',
  'GET breakingnews.all',
  'GET timetracking',
  'GET helpdesks',
  'GET categories',
  'GET locations',
  'GET incident.attributes.priority',
  'GET incident.attributes.status',
  'GET incident.attributes.type',
  'GET incident.attributes.source',
  'GET cf.fields.all',
  'GET cf.field.options.list',
  'GET user',
  'GET user.by',
  'GET users',
  'POST incident',
  'PUT incident',
  'POST incident.comment',
  'POST incident.reassign',
  'POST incident.reject',
  'POST incident.cancel',
  'POST incident.custom_field',
  'POST incident.observer',
  'POST incident.link',
  'POST incident.waitingfor.agent',
  'POST incident.waitingfor.customer',
  'POST incident.waitingfor.date',
  'PUT incident.reopen',
  'PUT incident.solution.accept',
  'PUT incident.approval.accept',
  'PUT incident.approval.reject',
  'POST breakingnews',
  'POST timetracking',
] as const;

/** Method and name, as in the manual: `GET incidents.last.hour`. Always the dotted form; slashes give other shapes. */
export type CallName = (typeof CALLS)[number];
export type ReadCall = Extract<CallName, `GET ${string}`>;
export type WriteCall = Exclude<CallName, ReadCall>;

/** `api.v1.incident.comment:post`, for a base URL that ends in `/api/v1`. */
export function scopesFor(baseUrl: string): string {
  const version = /\/(v\d+)$/i.exec(baseUrl)?.[1]?.toLowerCase() ?? 'v1';
  return CALLS.map((call) => {
    const [method, path] = splitCall(call);
    return `api.${version}.${path}:${method.toLowerCase()}`;
  }).join(' ');
}

/** Method and path of a call. */
export function splitCall(call: CallName): readonly ['GET' | 'POST' | 'PUT', string] {
  const [method, path] = call.split(' ') as ['GET' | 'POST' | 'PUT', string];
  return [method, path];
}
