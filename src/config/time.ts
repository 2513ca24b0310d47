import { z } from 'zod';
import { isTimeZone } from '../match/cron.ts';
import { isCalendarSpan, parseInstant, parseSpan } from '../match/span.ts';
import { parseHours } from '../sla/hours.ts';
import { PHASES, PRIORITY_LEVELS } from '../ticket.ts';
import { text } from './values.ts';

/** The parts of `deskhand.yaml` that are about time, as written. `time-parts.ts` puts them together. */

const timeZone = z
  .string({ error: 'expected a time zone such as Europe/Istanbul' })
  .refine(isTimeZone, { error: 'expected a time zone such as Europe/Istanbul' });

const DATE = /^\d{4}-\d{2}-\d{2}$/;

function isDate(value: string): boolean {
  return DATE.test(value) && new Date(parseInstant(value)).toJSON()?.startsWith(value) === true;
}

const dateOrFile = z
  .string({ error: 'expected a date such as 2026-10-29, or the path of an .ics file' })
  .refine((value) => value.endsWith('.ics') || isDate(value), {
    error: 'expected a date such as 2026-10-29, or the path of an .ics file',
  });

const hours = z.record(z.string(), z.unknown()).transform((written, context) => {
  const read = parseHours(written);
  if ('week' in read) return read.week;
  for (const { path, message } of read.problems) {
    context.issues.push({ code: 'custom', message, path: [...path], input: written });
  }
  return z.NEVER;
});

/** `calendars`. */
export const calendarsSchema = z.record(
  z.string(),
  z.strictObject({
    time_zone: timeZone,
    hours,
    holidays: z.union([dateOrFile.transform((one) => [one]), z.array(dateOrFile)]).default([]),
  }),
);

/** A target stays text until it is known whether it counts on a calendar. */
const target = z
  .string({ error: 'expected a duration such as 30m or 4h' })
  .refine((value) => parseSpan(value) !== null, {
    error: 'expected a duration such as 30m or 4h, of at most ten years',
  });

const targets = z.partialRecord(z.enum([...PRIORITY_LEVELS, 'default']), target).default({});

/** `sla`, by connection. */
export const slaSchema = z.record(
  z.string(),
  z.strictObject({
    calendar: text.optional(),
    pause_in: z.array(z.enum(PHASES)).default([]),
    response: targets,
    resolution: targets,
  }),
);

/** True for a duration that a calendar can count: a working day has no fixed length. */
export function countsOnCalendar(value: string): boolean {
  return isCalendarSpan(value);
}

const LOCAL = /^\d{4}-\d{2}-\d{2}(?:[T ]\d{2}:\d{2}(?::\d{2})?)?$/;

/** `oncall`, by name of the rota. */
export const oncallSchema = z.record(
  z.string().regex(/^[A-Za-z_][A-Za-z0-9_]{0,62}$/, {
    error: 'a rota’s name is made of letters, digits and "_", so that {{ oncall.name }} finds it',
  }),
  z
    .strictObject({
      people: z.array(text).min(1, { error: 'expected at least one person' }),
      rotate: z.enum(['daily', 'weekly']).default('weekly'),
      from: z
        .string({ error: 'expected a local time such as 2026-11-23T09:00' })
        .refine((value) => LOCAL.test(value) && !Number.isNaN(parseInstant(value)), {
          error: 'expected a local time such as 2026-11-23T09:00, without offset',
        }),
      time_zone: timeZone,
    })
    .transform((written) => ({
      people: written.people,
      rotate: written.rotate,
      // What the wall clock shows, counted as if it were UTC.
      fromLocalMs: parseInstant(written.from),
      timeZone: written.time_zone,
    })),
);

const moment = z
  .string({ error: 'expected a time such as 2026-12-01T22:00 or 2026-12-01T22:00+03:00' })
  .refine((value) => !Number.isNaN(parseInstant(value)), {
    error: 'expected a time such as 2026-12-01T22:00 or 2026-12-01T22:00+03:00',
  });

/** `silences`. */
export const silencesSchema = z.array(
  z
    .strictObject({
      when: z.record(z.string(), z.unknown()).default({}),
      from: moment,
      until: moment,
      reason: text,
      /** For times without an offset; default UTC. */
      time_zone: timeZone.default('UTC'),
    })
    .refine((written) => parseInstant(written.from) < parseInstant(written.until), {
      error: 'it ends before it starts',
      path: ['until'],
    }),
);
