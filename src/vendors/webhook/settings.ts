import { z } from 'zod';
import { commonVendorShape } from '../common-settings.ts';
import { compilePath, isPath, type Read } from './paths.ts';
import { compileTicketPlan, TICKET_KEYS, type TicketPlan } from './plan.ts';
import { isLevel } from './values.ts';

/**
 * The `ticket` and `event` mappings of a `webhook` connection (design: configuration). `verify` belongs to every
 * receiver and is parsed by the configuration loader.
 */

const path = z
  .string()
  .refine(isPath, { error: 'expected a path such as $.alert.labels[0].name (dots and [n] only)' });

const CUSTOM_KEY = /^custom\.[^.]+$/;

const ticketMapping = z.record(z.string(), path).superRefine((mapping, context) => {
  if (mapping['id'] === undefined) {
    context.addIssue({
      code: 'custom',
      message: 'expected `id`: without it no ticket can be told from another',
    });
  }
  const unknown = Object.keys(mapping).filter((key) => !isTicketKey(key));
  if (unknown.length > 0) {
    context.addIssue({
      code: 'unrecognized_keys',
      keys: unknown,
      input: mapping,
      message: `unknown ticket field ${unknown.join(', ')}; expected ${TICKET_KEYS.join(', ')} or custom.<name>`,
    });
  }
});

function isTicketKey(key: string): boolean {
  return (TICKET_KEYS as readonly string[]).includes(key) || CUSTOM_KEY.test(key);
}

const names = z.strictObject({
  status: z.record(z.string(), z.string()).optional(),
  priority: z
    .record(
      z.string(),
      z.union([z.string(), z.int()]).refine(isLevel, {
        error: 'expected a level (low, normal, high, urgent, critical) or a rank from 1 to 5',
      }),
    )
    .optional(),
});

/** What the mappings are compiled to; built once, when the configuration is read. */
export interface WebhookSettings {
  readonly ticket: TicketPlan | null;
  readonly type: Read | null;
  readonly key: Read | null;
}

export const WebhookSettings: z.ZodType<WebhookSettings> = z
  .strictObject({
    ...commonVendorShape,
    names: names.optional(),
    ticket: ticketMapping.optional(),
    event: z.strictObject({ type: path.optional(), key: path.optional() }).optional(),
  })
  .transform(({ ticket, event, ...common }) => ({
    ticket: ticket === undefined ? null : compileTicketPlan(ticket, common),
    type: event?.type === undefined ? null : compilePath(event.type),
    key: event?.key === undefined ? null : compilePath(event.key),
  }));
