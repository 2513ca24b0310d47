import { z } from 'zod';
import { PHASES } from '../ticket.ts';

/**
 * Keys that every connection may have and that adapters read too. The configuration loader owns the other common
 * keys (`poll`, `rate`, `settle`, `verify`, …); these it hands on, merged into the vendor's settings.
 */

function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const timeZone = z
  .string()
  .refine(isTimeZone, { error: 'expected an IANA time zone such as Europe/Istanbul or UTC' });

/** The shape to spread into a vendor's schema: `z.strictObject({ ...commonVendorShape, url: … })`. */
export const commonVendorShape = {
  /** Names the vendor's API does not list, by id: `{ status: { 9: On hold } }`. For a webhook, priority names by level. */
  names: z
    .strictObject({
      status: z.record(z.string(), z.string().min(1)).optional(),
      priority: z.record(z.string(), z.union([z.string().min(1), z.int().min(1).max(5)])).optional(),
    })
    .optional(),
  /** Status name to phase: `{ On hold: waiting }`. */
  phases: z.record(z.string(), z.enum(PHASES)).optional(),
  /** Zone of times that the vendor writes without one. Default UTC. */
  time_zone: timeZone.optional(),
  /** Zone in which times are written to the vendor. Default: ISO 8601 in UTC, with its `Z`. */
  write_time_zone: timeZone.optional(),
  /** Link to a ticket in the desk's own pages, with `{id}`. Default: the vendor's usual one. */
  ticket_url: z
    .string()
    .regex(/^https?:\/\/\S+$/, { error: 'expected an http(s) URL' })
    .includes('{id}', { error: 'expected {id} where the ticket id goes' })
    .optional(),
  /** A private certificate authority: PEM text, or the path of a PEM file. */
  ca: z.string().min(1).optional(),
};

/** The same keys as a schema of their own, for the configuration loader. */
export const CommonVendorSettings = z.object(commonVendorShape);
export type CommonVendorSettings = z.infer<typeof CommonVendorSettings>;
