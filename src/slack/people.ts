import type { SlackApi } from './api.ts';

/** Somebody who acts in Slack, as the desks know them. */
export interface Actor {
  readonly userId: string;
  /** Null: neither configured nor told by Slack. */
  readonly email: string | null;
  readonly allowed: boolean;
  /** Why not, for them to read. */
  readonly reason: string | null;
}

export interface PeopleOptions {
  readonly api: SlackApi;
  readonly allowedGroups: readonly string[];
  readonly users: Readonly<Record<string, string>>;
}

/** Who this is and whether they may act. Never throws: whoever cannot be checked may not. */
export async function readActor(userId: string, options: PeopleOptions): Promise<Actor> {
  const configured = Object.hasOwn(options.users, userId) ? (options.users[userId] ?? null) : null;
  const [email, permission] = await Promise.all([
    configured ??
      inTime(options.api.person(userId)).then(
        (person) => person.email,
        () => null,
      ),
    permissionOf(userId, options),
  ]);
  return { userId, email, ...permission };
}

/** Slack waits 3 s for our answer, so we do not wait that long for Slack's. */
const ASK_WITHIN_MS = 1_500;

async function inTime<T>(answer: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('Slack does not answer in time')), ASK_WITHIN_MS);
  });
  return Promise.race([answer, late]).finally(() => clearTimeout(timer));
}

async function permissionOf(
  userId: string,
  { api, allowedGroups }: PeopleOptions,
): Promise<Pick<Actor, 'allowed' | 'reason'>> {
  if (allowedGroups.length === 0) return { allowed: true, reason: null };
  try {
    if (await inTime(api.inGroups(userId, allowedGroups))) return { allowed: true, reason: null };
    return { allowed: false, reason: 'You are not in a group that may do this.' };
  } catch {
    return { allowed: false, reason: 'Slack does not say whether you may do this. Try again in a minute.' };
  }
}
