import { z } from 'zod';
import { commonVendorShape } from '../common-settings.ts';
import { baseUrl } from '../http/settings.ts';

/** Keys of a `gotoassist` connection, with the common ones that the adapter reads. */

const id = z
  .union([z.int(), z.string().regex(/^\d+$/, { error: 'expected an id, a number' })])
  .transform(String);

export const GotoassistSettings = z
  .strictObject({
    ...commonVendorShape,
    /** `https://deskapi.gotoassist.com/v1`; Beetil accounts had `https://<account>.beetil.com/external_api/v1`. */
    url: baseUrl('https://deskapi.gotoassist.com/v1'),
    /** The account-wide API token. */
    token: z.string().min(1, { error: 'is empty' }),
    /** The user it writes as, by id or full name. Default: the token's own. */
    author: z
      .union([z.string().min(1), z.int()])
      .transform(String)
      .optional(),
    /** A report "all incidents, all states": without one, lists show the services named below. */
    report_id: id.optional(),
    /** Services to watch. Lists by service probably leave out what is closed. */
    service_ids: z.array(id).min(1).optional(),
    /** What to read besides incidents, every few hours. */
    also: z
      .array(z.enum(['problems', 'changes', 'releases']))
      .min(1)
      .optional(),
  })
  .refine((s) => (s.report_id === undefined) !== (s.service_ids === undefined), {
    // Guide, "Show Incidents": lists default to the authenticated user's own incidents.
    error: 'expected either report_id or service_ids: without one the desk lists only the own incidents',
  });
export type GotoassistSettings = z.infer<typeof GotoassistSettings>;
