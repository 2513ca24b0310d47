import type { Call } from '../support/calls.ts';
import { json, Refusal, type Reply } from '../support/reply.ts';
import type { DeskClock } from '../support/server.ts';
import type { SlackChannel, SlackState } from './state.ts';

/** The workspace with what its methods need. */
export interface SlackCore {
  readonly state: SlackState;
  readonly clock: DeskClock;
  readonly origin: string;
  /** The scopes of the bot token; can be changed in the middle of a test. */
  readonly scopes: Set<string>;
  /** A new message id: `seconds.microseconds`, always greater than the last one. */
  nextTs(): string;
}

/** One call of a method: its arguments from form, query or JSON body alike. */
export interface MethodCall {
  readonly core: SlackCore;
  readonly args: Arguments;
  readonly call: Call;
}

export type Method = (request: MethodCall) => Record<string, unknown>;

export interface Arguments {
  text(name: string): string | undefined;
  required(name: string): string;
  flag(name: string): boolean | undefined;
  /** An object or a list: as it stands in a JSON body, as JSON text in a form. */
  structure(name: string): unknown;
}

const structures = ['blocks', 'metadata', 'view', 'attachments'];

export function argumentsOf(call: Call): Arguments {
  const values = new Map<string, unknown>(call.params);
  if (isObject(call.json)) for (const [name, value] of Object.entries(call.json)) values.set(name, value);
  const readText = (name: string): string | undefined => {
    const value = values.get(name);
    return value === undefined || value === null || value === '' ? undefined : String(value as string);
  };
  return {
    text: readText,
    required: (name) =>
      readText(name) ?? fail('invalid_arguments', { response_metadata: { messages: [`missing ${name}`] } }),
    flag: (name) => {
      const value = readText(name);
      return value === undefined ? undefined : value === 'true' || value === '1';
    },
    structure: (name) => parseStructure(values.get(name), name),
  };
}

function parseStructure(value: unknown, name: string): unknown {
  if (typeof value !== 'string' || !structures.includes(name)) return value;
  try {
    return JSON.parse(value) as unknown;
  } catch {
    return fail(name === 'blocks' ? 'invalid_blocks_format' : `invalid_${name}_format`);
  }
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Slack refuses with HTTP 200 and `ok: false`. */
export function failure(error: string, more: Readonly<Record<string, unknown>> = {}): Reply {
  return json({ ok: false, error, ...more });
}

export function fail(error: string, more: Readonly<Record<string, unknown>> = {}): never {
  throw new Refusal(failure(error, more));
}

export function needScope(core: SlackCore, needed: string): void {
  if (!core.scopes.has(needed)) fail('missing_scope', { needed, provided: [...core.scopes].join(',') });
}

/** A channel by id; with `byName` also `#name` and, for posting, a user's id. */
export function channelOf({ core, args }: MethodCall, byName = false): SlackChannel {
  const wanted = args.required('channel');
  const { channels, users } = core.state;
  const named = wanted.replace(/^#/, '');
  const found =
    channels.get(wanted) ??
    (byName
      ? [...channels.values()].find((channel) => channel.name === named && channel.kind !== 'im')
      : undefined) ??
    (byName && users.has(wanted) ? directMessage(core, wanted) : undefined);
  if (found === undefined || (found.kind === 'private' && !found.botIsMember))
    return fail('channel_not_found');
  return found;
}

/** The direct-message channel with a person, opened when needed. */
export function directMessage(core: SlackCore, userId: string): SlackChannel {
  const id = `D${userId.slice(1)}`;
  const known = core.state.channels.get(id);
  if (known !== undefined) return known;
  const opened: SlackChannel = { id, name: '', kind: 'im', isArchived: false, botIsMember: true, userId };
  core.state.channels.set(id, opened);
  return opened;
}

export interface Page<T> {
  readonly rows: readonly T[];
  readonly next: string;
}

/** Cursor paging: opaque cursors over positions, `""` at the end. */
export function page<T>(rows: readonly T[], args: Arguments, otherwise: number, most: number): Page<T> {
  const cursor = args.text('cursor');
  const start = cursor === undefined ? 0 : positionOf(cursor);
  const wanted = Number(args.text('limit') ?? otherwise);
  if (!Number.isInteger(wanted) || wanted < 0) fail('invalid_limit');
  const end = start + Math.min(wanted === 0 ? otherwise : wanted, most);
  const next = end < rows.length ? Buffer.from(`next:${end}`).toString('base64') : '';
  return { rows: rows.slice(start, end), next };
}

function positionOf(cursor: string): number {
  const position = /^next:(\d+)$/.exec(Buffer.from(cursor, 'base64').toString('utf8'))?.[1];
  return position === undefined ? fail('invalid_cursor') : Number(position);
}
