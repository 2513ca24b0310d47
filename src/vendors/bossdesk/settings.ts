import { z } from 'zod';
import { commonVendorShape } from '../common-settings.ts';
import { baseUrl } from '../http/settings.ts';

/** Keys of a `bossdesk` connection, with the common ones that the adapter reads. */
export const BossdeskSettings = z.strictObject({
  ...commonVendorShape,
  /** With `/api/v1`: `https://<account>.bossdesk.io/api/v1`. */
  url: baseUrl('https://acme.bossdesk.io/api/v1'),
  /** The API key of the user to act as; `POST /sessions` shows it once (manual, "Using the API"). */
  key: z.string().min(1, { error: 'is empty' }),
  /** That user: user name, e-mail address or id. The API has no call that says whose key it is. */
  author: z
    .union([z.string().min(1), z.int()])
    .transform(String)
    .optional(),
  /** Names of priorities, lowest first. A name equal to a level is that level, others take their position. */
  priority_order: z.array(z.string().min(1)).min(1).max(5).optional(),
  /** A saved ticket search ("updated in the last N days"), for desks whose list ignores filters. */
  search_id: z
    .union([z.int(), z.string().regex(/^\d+$/)])
    .transform(String)
    .optional(),
});
export type BossdeskSettings = z.infer<typeof BossdeskSettings>;
