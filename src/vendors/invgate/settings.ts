import { z } from 'zod';
import { commonVendorShape } from '../common-settings.ts';

/** Keys of an `invgate` connection, with the common ones that the adapter reads. */

function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return url.username === '' && url.password === '' && url.search === '' && url.hash === '';
}

const EXAMPLE = 'https://acme.sd.cloud.invgate.net/api/v1';

const baseUrl = z
  .url({ protocol: /^https?$/, error: `expected an http(s) URL such as ${EXAMPLE}` })
  .refine(isPlainUrl, {
    error: `expected a URL such as ${EXAMPLE}, without user, query or fragment; credentials have keys of their own`,
  })
  // People write the desk's own address too; all calls of the manual stand below /api/v1.
  .transform((text) => text.replace(/\/+$/, ''))
  .transform((text) => (/\/api\/v\d+$/i.test(text) ? text : `${text.replace(/\/api$/i, '')}/api/v1`));

const secret = z.string().min(1, { error: 'is empty' });
const idOrName = z.union([z.int().positive(), z.string().min(1)]).transform(String);

/** OAuth2 client credentials (integration reference 2.1). */
const oauth = z.strictObject({
  client_id: z.string().min(1),
  client_secret: secret,
  /** Where tokens are given out. Default: `/oauth/v2.0/access_token` on the desk's host; tenants differ. */
  url: z
    .url({ protocol: /^https?$/ })
    .refine(isPlainUrl, { error: 'expected a plain URL' })
    .optional(),
});

export const InvgateSettings = z
  .strictObject({
    ...commonVendorShape,
    /** The API's address, up to and with `/api/v1`. */
    url: baseUrl,
    /** Name of the API credential under Settings → Integrations → API. */
    user: z.string().min(1).default('api'),
    key: secret.optional(),
    oauth: oauth.optional(),
    /** The user Deskhand writes as: id, user name or e-mail. Nearly every write needs one. */
    author: idOrName,
    /** A saved view of all requests in any status, with the column "last update": the fast way to see changes. */
    view_id: z
      .union([z.int().positive(), z.string().regex(/^\d+$/)])
      .transform(String)
      .optional(),
  })
  .refine((settings) => (settings.key === undefined) !== (settings.oauth === undefined), {
    error: 'expected either key (with user), or oauth',
  });
export type InvgateSettings = z.infer<typeof InvgateSettings>;
