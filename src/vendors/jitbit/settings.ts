import { z } from 'zod';
import { commonVendorShape } from '../common-settings.ts';

/** Keys of a `jitbit` connection, with the common ones that the adapter reads. */

const baseUrl = z
  .url({ protocol: /^https?$/, error: 'expected an http(s) URL such as https://acme.jitbit.com/helpdesk' })
  .refine((text) => isPlainUrl(text), {
    error:
      'expected everything before /api, without user, query or fragment; credentials have keys of their own',
  })
  // People copy the address of the API page; what follows the base is ours to add.
  .transform((text) => text.replace(/\/+$/, '').replace(/\/api$/i, ''));

function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const url = new URL(text);
  return url.username === '' && url.password === '' && url.search === '' && url.hash === '';
}

const secret = z.string().min(1, { error: 'is empty' });

export const JitbitSettings = z
  .strictObject({
    ...commonVendorShape,
    /** Everything before `/api`, with `/helpdesk` where the desk has it. */
    url: baseUrl,
    /** From `/User/Token`; preferred, because three wrong passwords in a row block the IP address for five minutes. */
    token: secret.optional(),
    user: z.string().min(1).optional(),
    password: secret.optional(),
  })
  .refine((s) => (s.token !== undefined) !== (s.user !== undefined && s.password !== undefined), {
    error: 'expected either token, or user and password',
  })
  .refine((s) => s.token === undefined || (s.user === undefined && s.password === undefined), {
    error: 'expected either token, or user and password, not both',
  });
export type JitbitSettings = z.infer<typeof JitbitSettings>;
