import type { Call } from '../support/calls.ts';
import type { DeskClock } from '../support/server.ts';
import { json, type Reply } from '../support/reply.ts';
import { refuse } from './endpoint.ts';

export interface DoorOptions {
  readonly user: string;
  readonly key: string;
  readonly clientId: string;
  readonly clientSecret: string;
  /** A tenant whose tokens are always without scopes [O]. */
  readonly emptyScopes: boolean;
  readonly tokenSeconds: number;
}

/** Basic authentication with an API key, and OAuth2 client credentials with one scope per endpoint and method. */
export interface Door {
  /** Answers `POST /oauth/v2.0/access_token`. */
  token(call: Call): Reply;
  /** Lets a call in or refuses it: 401 without valid credentials, 403 without the scope. */
  admit(call: Call): void;
  /** Makes all tokens given out so far invalid. */
  expireTokens(): void;
}

export function createDoor(clock: DeskClock, options: DoorOptions): Door {
  const tokens = new Map<string, { readonly scopes: ReadonlySet<string>; readonly until: number }>();
  let given = 0;
  return {
    token: (call) => {
      const { params } = call;
      if (params.get('grant_type') !== 'client_credentials')
        return json({ error: 'unsupported_grant_type' }, 400);
      if (
        params.get('client_id') !== options.clientId ||
        params.get('client_secret') !== options.clientSecret
      ) {
        return json({ error: 'invalid_client' }, 401);
      }
      const asked = (params.get('scope') ?? '').split(' ').filter((scope) => scope !== '');
      const scopes = new Set(options.emptyScopes ? [] : asked);
      const token = `oauth-${++given}`;
      tokens.set(token, { scopes, until: clock.now() + options.tokenSeconds * 1000 });
      const answer = { token_type: 'Bearer', expires_in: options.tokenSeconds, access_token: token };
      return json({ ...answer, scope: [...scopes].join(' ') });
    },
    admit: (call) => {
      const [scheme = '', credential = ''] = (call.headers['authorization'] ?? '').split(' ');
      if (/^basic$/i.test(scheme)) {
        const pair = Buffer.from(credential, 'base64').toString('utf8');
        if (pair !== `${options.user}:${options.key}`) refuse(401, 'Unauthorized');
        return;
      }
      const token = tokens.get(credential);
      if (!/^bearer$/i.test(scheme) || token === undefined || token.until <= clock.now())
        return refuse(401, 'Unauthorized');
      if (!token.scopes.has(`api.v1.${call.name}:${call.method.toLowerCase()}`)) refuse(403, 'Forbidden');
    },
    expireTokens: () => tokens.clear(),
  };
}
