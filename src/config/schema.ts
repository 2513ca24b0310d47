import { z } from 'zod';
import { destination, duration, httpUrl, text } from './values.ts';
import { verifySchema } from './verify-schema.ts';
import { byteSize, locale, rate, secret, secrets } from './values.ts';

/** The keys of `deskhand.yaml`, part by part. A connection's own keys are its vendor's. */

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const DAY = 86_400 * SECOND;

/** Keys of a connection that are not for its adapter; each vendor's settings schema has the others. */
export const connectionSchema = z.object({
  poll: z.unknown().optional(),
  rate: rate.optional(),
  settle: duration.default(30 * SECOND),
  reference: z.enum(['auto', 'always', 'never']).default('auto'),
  late_after: duration.default(15 * MINUTE),
  max_body: byteSize.default(1024 * 1024),
  locale: locale.optional(),
  webhook_secret: secrets.optional(),
  verify: verifySchema.optional(),
});

/** `slack`. */
export const slackSchema = z
  .strictObject({
    bot_token: secret,
    /** HTTP mode: requests from Slack are verified with it. */
    signing_secret: secret.optional(),
    /** Socket Mode instead. */
    app_token: secret.optional(),
    api_url: httpUrl.default('https://slack.com/api/').transform((url) => url.replace(/\/*$/, '/')),
    operations_channel: text.optional(),
    settle: duration.default(30 * SECOND),
    allowed_groups: z.array(text).default([]),
    users: z.record(z.string(), text).default({}),
    /** How long after a ticket's message others that resemble it go under it. */
    group_similar: z.union([z.literal('never'), duration]).default(10 * MINUTE),
  })
  .transform((written) => ({
    botToken: written.bot_token,
    signingSecret: written.signing_secret ?? null,
    appToken: written.app_token ?? null,
    apiUrl: written.api_url,
    operationsChannel: written.operations_channel ?? null,
    settleMs: written.settle,
    allowedGroups: written.allowed_groups,
    users: written.users,
    similarWithinMs: written.group_similar === 'never' ? 0 : written.group_similar,
  }));

/** `lists`: names for sets of values, for `{ in_list: vips }`. */
export const listsSchema = z.record(z.string(), z.array(text));

/** `http`. */
export const httpSchema = z.strictObject({ allow: z.array(destination).default([]) });

/** `retention`. Keys live longest: they are what makes a late repeat a repeat. */
export const retentionSchema = z
  .strictObject({
    events: duration.default(90 * DAY),
    attempts: duration.default(90 * DAY),
    keys: duration.default(400 * DAY),
  })
  .transform(({ events, attempts, keys }) => ({ eventsMs: events, attemptsMs: attempts, keysMs: keys }));

/** `heartbeat_url`. */
export const heartbeatSchema = httpUrl;
