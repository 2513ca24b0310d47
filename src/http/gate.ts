import type { HttpBindings } from '@hono/node-server';
import type { Context, Env } from 'hono';
import type { Log } from '../log.ts';
import { createThrottle } from './throttle.ts';
import { matchesBearer } from './verify.ts';

/** Who gets in with a token. One for all paths that take one, so that wrong ones are counted together. */
export interface Gate {
  /** @returns the refusal, null where the request carries the token */
  refuse<E extends Env>(c: Context<E>, token: string | null): Response | null;
}

/** @param deps `now`: wall clock, epoch ms */
export function createGate(deps: { readonly now: () => number; readonly log: Log }): Gate {
  const throttle = createThrottle();
  return {
    refuse(c, token) {
      // The right token always passes: a scraper that has an old one, or others behind the same proxy, lock nobody out.
      if (matchesBearer(c.req.header('authorization'), token)) return null;
      // Without a token, or where none is configured, nobody guesses.
      const isGuess = token !== null && c.req.header('authorization') !== undefined;
      const address = remoteAddress(c);
      const refused = isGuess ? throttle.wrong(address, deps.now()) : null;
      if (refused === null) {
        c.header('WWW-Authenticate', 'Bearer');
        const message = 'send Authorization: Bearer with the token';
        return c.json({ error: { reason: 'unauthorized', message } }, 401);
      }
      if (refused.first) deps.log.warn({ address }, 'too many wrong tokens from one address');
      c.header('Retry-After', String(refused.waitSeconds));
      return c.json(
        { error: { reason: 'too_many_wrong_tokens', message: 'wait, then send the token' } },
        429,
      );
    },
  };
}

/** Where the socket leads to: headers such as X-Forwarded-For are what anybody writes. */
function remoteAddress<E extends Env>(c: Context<E>): string {
  const { incoming } = (c.env ?? {}) as Partial<HttpBindings>;
  return incoming?.socket.remoteAddress ?? 'unknown';
}
