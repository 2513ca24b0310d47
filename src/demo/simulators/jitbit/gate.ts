import type { Call } from '../support/calls.ts';
import type { DeskClock } from '../support/server.ts';
import { Refusal, text } from '../support/reply.ts';
import type { JitbitState, JitbitUser } from './state.ts';

const minute = 60_000;

export interface GateOptions {
  readonly rateLimit: 'refuse' | 'slow' | 'off';
  readonly perMinute: number;
  readonly searchPerMinute: number;
  readonly slowMs: number;
  readonly badTokensCount: boolean;
}

/** Who may come in: the lock-out, the credentials and the budget, in this order. */
export interface Gate {
  /** The caller's user; throws a refusal for everybody else. */
  admit(call: Call): Promise<JitbitUser>;
}

export function createGate(state: JitbitState, clock: DeskClock, options: GateOptions): Gate {
  const failures = new Map<string, number>();
  const blockedUntil = new Map<string, number>();
  const used = new Map<string, number[]>();

  /** "Passing wrong username and/or password 3 times in a row blocks your IP address for 5 minutes." */
  const fail = (call: Call, counts: boolean): never => {
    const count = (failures.get(call.caller) ?? 0) + (counts ? 1 : 0);
    failures.set(call.caller, count % 3);
    if (count === 3) blockedUntil.set(call.caller, clock.now() + 5 * minute);
    throw new Refusal(
      text('Wrong username or password', 401, { 'www-authenticate': 'Basic realm="helpdesk"' }),
    );
  };

  /** "Most of the calls are limited to 90 times per minute, Search and UserByEmail to 60", here in a sliding minute. */
  const spend = async (call: Call): Promise<void> => {
    const search = call.name === 'search' || call.name === 'userbyemail';
    const key = `${call.caller} ${search}`;
    const now = clock.now();
    const recent = (used.get(key) ?? []).filter((at) => at > now - minute && at <= now);
    used.set(key, recent);
    if (recent.length < (search ? options.searchPerMinute : options.perMinute)) return void recent.push(now);
    if (options.rateLimit === 'refuse')
      throw new Refusal(text('API rate limit exceeded, wait a couple of minutes', 429));
    await new Promise((resolve) => void setTimeout(resolve, options.slowMs).unref());
  };

  return {
    admit: async (call) => {
      if ((blockedUntil.get(call.caller) ?? 0) > clock.now()) {
        throw new Refusal(text('Your IP address is blocked for 5 minutes after 3 failed logins', 403));
      }
      const header = call.headers['authorization'];
      if (header === undefined) fail(call, false);
      const user = userFor(state, header ?? '');
      if (user === undefined) return fail(call, options.badTokensCount || !/^bearer/i.test(header ?? ''));
      failures.set(call.caller, 0);
      if (options.rateLimit !== 'off') await spend(call);
      return user;
    },
  };
}

function userFor(state: JitbitState, header: string): JitbitUser | undefined {
  const [scheme = '', credential = ''] = header.split(' ');
  const users = [...state.users.values()].filter((user) => !user.disabled);
  if (/^bearer$/i.test(scheme)) return users.find((user) => user.token !== null && user.token === credential);
  if (!/^basic$/i.test(scheme)) return undefined;
  const pair = Buffer.from(credential, 'base64').toString('utf8');
  const colon = pair.indexOf(':');
  const name = pair.slice(0, colon).toLowerCase();
  return users.find(
    (user) =>
      (user.username.toLowerCase() === name || user.email.toLowerCase() === name) &&
      user.password !== null &&
      user.password === pair.slice(colon + 1),
  );
}
