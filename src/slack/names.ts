import type { WebClient } from '@slack/web-api';
import { ActionError } from '../act/task.ts';
import { fold } from '../match/fold.ts';
import { platformError } from './errors.ts';
import type { SlackTarget } from './api.ts';

/** A person of the workspace. */
export interface SlackPerson {
  readonly email: string | null;
  readonly name: string | null;
}

/** Names of channels, people and groups, asked once and kept for a while: lists are Slack's slowest calls. */
export interface SlackNames {
  resolve(target: SlackTarget): Promise<string>;
  person(userId: string): Promise<SlackPerson>;
  inGroups(userId: string, groups: readonly string[]): Promise<boolean>;
}

const CHANNELS_KEPT_MS = 10 * 60_000;
const PEOPLE_KEPT_MS = 10 * 60_000;
/** Who may press buttons changes rarely, and must not lag much. */
const GROUPS_KEPT_MS = 60_000;
const MAX_KEPT = 5_000;
const CHANNEL_ID = /^[CGD][A-Z0-9]{5,}$/;
const USER_ID = /^[UW][A-Z0-9]{5,}$/;

/** Raw errors of the client pass through, except for names that do not exist. */
export function createNames(client: WebClient, now: () => number): SlackNames {
  const channels = createKept<string>(now, CHANNELS_KEPT_MS);
  const people = createKept<SlackPerson>(now, PEOPLE_KEPT_MS);
  const groups = createKept<ReadonlySet<string>>(now, GROUPS_KEPT_MS);

  async function findChannel(name: string, joined: boolean): Promise<string> {
    let cursor: string | undefined;
    do {
      const page = await client.conversations.list({
        limit: 1000,
        exclude_archived: true,
        types: 'public_channel,private_channel',
        ...(cursor === undefined ? {} : { cursor }),
      });
      const found = page.channels?.find(
        (channel) => channel.name === name && (!joined || channel.is_member === true),
      );
      if (found?.id !== undefined) return found.id;
      cursor = page.response_metadata?.next_cursor;
    } while (cursor !== undefined && cursor !== '');
    throw missing('channel', name);
  }

  /** Direct messages have a channel of their own, and only that one can be read back. */
  async function openDirect(who: string): Promise<string> {
    const user = USER_ID.test(who) ? who : await findUser(who.replace(/^@/, ''));
    const { channel } = await client.conversations.open({ users: user });
    return channel?.id ?? user;
  }

  function findUser(who: string): Promise<string> {
    return who.includes('@') ? findByEmail(who) : findByName(who);
  }

  /** The one person with this name, as it is shown or as it is typed after an @. */
  async function findByName(name: string): Promise<string> {
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const page = await client.users.list({ limit: 200, ...(cursor === undefined ? {} : { cursor }) });
      for (const { id, deleted, name: handle, profile } of page.members ?? []) {
        const names = [handle, profile?.real_name, profile?.display_name];
        if (id !== undefined && deleted !== true && names.some((one) => one !== undefined && same(one, name)))
          found.push(id);
      }
      cursor = page.response_metadata?.next_cursor;
    } while (cursor !== undefined && cursor !== '');
    const [only, second] = found;
    if (second !== undefined) throw refused(`Slack has several people called ${name}: name an e-mail`);
    if (only === undefined) throw missing('person', name);
    return only;
  }

  async function findByEmail(email: string): Promise<string> {
    try {
      const answer = await client.users.lookupByEmail({ email });
      if (answer.user?.id !== undefined) return answer.user.id;
    } catch (error) {
      if (platformError(error) !== 'users_not_found') throw error;
    }
    throw missing('person', email);
  }

  return {
    async resolve(target) {
      if ('user' in target) return channels.of(`@${target.user}`, () => openDirect(target.user.trim()));
      const name = target.channel.trim().replace(/^#/, '');
      const joined = target.joined ?? false;
      if (joined) return channels.of(`joined #${name}`, () => findChannel(name, true));
      return CHANNEL_ID.test(name) ? name : channels.of(`#${name}`, () => findChannel(name, false));
    },
    person: (userId) =>
      people.of(userId, async () => {
        const { user } = await client.users.info({ user: userId });
        return { email: user?.profile?.email ?? null, name: user?.profile?.real_name ?? user?.name ?? null };
      }),
    async inGroups(userId, wanted) {
      for (const group of wanted) {
        const members = await groups.of(group, async () => {
          const answer = await client.usergroups.users.list({ usergroup: group });
          return new Set(answer.users ?? []);
        });
        if (members.has(userId)) return true;
      }
      return false;
    },
  };
}

function same(one: string, other: string): boolean {
  return fold(one) === fold(other);
}

function missing(what: 'channel' | 'person', name: string): ActionError {
  return refused(`Slack has no ${what} ${name}`);
}

function refused(message: string): ActionError {
  return new ActionError(message, { reason: 'refused', notApplied: true });
}

interface Kept<T> {
  of(key: string, ask: () => Promise<T>): Promise<T>;
}

/** Remembers answers for a while; failures are not remembered. */
function createKept<T>(now: () => number, keptMs: number): Kept<T> {
  const known = new Map<string, { readonly value: T; readonly until: number }>();
  return {
    async of(key, ask) {
      const hit = known.get(key);
      if (hit !== undefined && hit.until > now()) return hit.value;
      const value = await ask();
      if (known.size >= MAX_KEPT) known.clear();
      known.set(key, { value, until: now() + keptMs });
      return value;
    },
  };
}
