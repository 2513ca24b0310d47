import { z } from 'zod';
import type { VerifyScheme } from '../http/verify.ts';
import { secrets, text } from './values.ts';

/** How a connection's sender proves who it is (`verify`), as `http/verify.ts` takes it. */

const headerName = z
  .string({ error: 'expected the name of a header' })
  .regex(/^[A-Za-z0-9!#$%&'*+.^_`|~-]+$/, { error: 'expected the name of a header' })
  .transform((name) => name.toLowerCase());

/** Standard Webhooks keys are base64; one that is not would be cut down to nothing, which anybody can sign with. */
const MIN_KEY_BYTES = 16;

const signingKeys = secrets.refine(
  (keys) =>
    keys.every((key) => {
      const base64 = key.replace(/^whsec_/, '');
      return /^[A-Za-z0-9+/_-]+={0,2}$/.test(base64) && Buffer.from(base64, 'base64').length >= MIN_KEY_BYTES;
    }),
  { error: `expected base64 of at least ${MIN_KEY_BYTES} bytes, with or without whsec_` },
);

const SCHEMES = [
  z.strictObject({ scheme: z.literal('standard-webhooks'), secret: signingKeys }),
  z.strictObject({ scheme: z.literal('github'), secret: secrets }),
  z.strictObject({ scheme: z.literal('slack'), secret: secrets }),
  z.strictObject({ scheme: z.literal('bearer'), secret: secrets }),
  z.strictObject({ scheme: z.literal('url-secret'), secret: secrets }),
  z.strictObject({
    scheme: z.literal('hmac'),
    header: headerName,
    algorithm: z.enum(['sha256', 'sha1', 'sha512']).default('sha256'),
    encoding: z.enum(['hex', 'base64']).default('hex'),
    prefix: z.string().default(''),
    secret: secrets,
  }),
  z.strictObject({ scheme: z.literal('basic'), user: text, password: secrets }),
] as const;

/** `verify` of a connection. */
export const verifySchema = z.discriminatedUnion('scheme', SCHEMES).transform((written): VerifyScheme => {
  switch (written.scheme) {
    case 'basic':
      return { scheme: 'basic', user: written.user, secrets: written.password };
    case 'hmac': {
      const { secret, ...rest } = written;
      return { ...rest, secrets: secret };
    }
    default:
      return { scheme: written.scheme, secrets: written.secret };
  }
});
