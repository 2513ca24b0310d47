import type { z } from 'zod';
import { didYouMean } from '../did-you-mean.ts';
import { type ConditionNames, parseCondition } from '../match/parse-condition.ts';
import type { ConditionMap } from '../match/rule.ts';
import { parseInstant, parseSpan } from '../match/span.ts';
import { createCalendar, type CalendarSpec } from '../sla/calendar.ts';
import type { Targets } from '../sla/clock.ts';
import { parseIcs } from '../sla/icalendar.ts';
import type { Rota } from '../sla/oncall.ts';
import { createZone } from '../sla/zone.ts';
import type { Phase } from '../ticket.ts';
import type { Complain } from './expand.ts';
import {
  type calendarsSchema,
  countsOnCalendar,
  type oncallSchema,
  type silencesSchema,
  type slaSchema,
} from './time.ts';

/** SLA targets of one connection, as configured; `calendar` names one. */
export interface SlaConfig {
  readonly calendar: string | null;
  readonly pauseIn: readonly Phase[];
  readonly response: Targets;
  readonly resolution: Targets;
}

/** No rule acts on what a silence covers. */
export interface SilenceConfig {
  /** Empty: everything. */
  readonly when: ConditionMap;
  readonly fromMs: number;
  readonly untilMs: number;
  readonly reason: string;
}

/** The parts about time after every reference between them was checked. */
export interface TimeConfig {
  readonly calendars: readonly CalendarSpec[];
  readonly sla: Readonly<Record<string, SlaConfig>>;
  readonly oncall: readonly Rota[];
  readonly silences: readonly SilenceConfig[];
}

/** As each part's schema read it; undefined where it is not written or was refused. */
export interface WrittenTime {
  readonly calendars: z.output<typeof calendarsSchema> | undefined;
  readonly sla: z.output<typeof slaSchema> | undefined;
  readonly oncall: z.output<typeof oncallSchema> | undefined;
  readonly silences: z.output<typeof silencesSchema> | undefined;
}

export interface TimeContext {
  readonly complain: Complain;
  /** Reads an .ics file, relative to the configuration. @throws Error when it cannot be read */
  readonly readFile: (path: string) => string;
  readonly connections: readonly string[];
  readonly lists: readonly string[];
}

/** Puts the parts about time together and checks what they say of each other. */
export function readTimeParts(written: WrittenTime, context: TimeContext): TimeConfig {
  const names = Object.keys(written.calendars ?? {});
  return {
    calendars: Object.entries(written.calendars ?? {}).map(([name, calendar]) =>
      readCalendar(name, calendar, context),
    ),
    sla: readSla(written.sla ?? {}, names, context),
    oncall: Object.entries(written.oncall ?? {}).map(([name, rota]) => ({ name, ...rota })),
    silences: readSilences(written.silences ?? [], names, context),
  };
}

function readCalendar(
  name: string,
  written: z.output<typeof calendarsSchema>[string],
  context: TimeContext,
): CalendarSpec {
  const holidays = new Set<string>();
  for (const item of written.holidays) {
    for (const date of item.endsWith('.ics') ? readIcs(name, item, context) : [item]) holidays.add(date);
  }
  const spec = { name, timeZone: written.time_zone, week: written.hours, holidays };
  // Twenty years from the first year that holidays are written out for.
  if (createCalendar(spec).addWorkingMs(Date.UTC(2025, 0, 1), 60_000) === null) {
    context.complain(['calendars', name], `"${name}" has no working minute in twenty years`, 'key');
  }
  return spec;
}

function readIcs(calendar: string, file: string, { complain, readFile }: TimeContext): readonly string[] {
  const path = ['calendars', calendar, 'holidays'];
  let text: string;
  try {
    text = readFile(file);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    complain(
      path,
      code === 'ENOENT' ? `there is no file ${file}` : `${file} cannot be read (${code ?? 'unknown'})`,
    );
    return [];
  }
  const read = parseIcs(text);
  if ('dates' in read) return read.dates;
  complain(path, `${file}:${read.line}: ${read.message}`);
  return [];
}

function readSla(
  written: z.output<typeof slaSchema>,
  calendars: readonly string[],
  { complain, connections }: TimeContext,
): Readonly<Record<string, SlaConfig>> {
  const read = Object.entries(written).map(([connection, plan]): [string, SlaConfig] => {
    const at = ['sla', connection];
    if (!connections.includes(connection)) {
      complain(
        at,
        `no connection "${connection}" is configured.${didYouMean(connection, connections)}`,
        'key',
      );
    }
    const { calendar } = plan;
    if (calendar !== undefined && !calendars.includes(calendar)) {
      complain(
        [...at, 'calendar'],
        `no calendar "${calendar}" is configured.${didYouMean(calendar, calendars)}`,
      );
    }
    const targets = (kind: 'response' | 'resolution'): Targets =>
      Object.fromEntries(
        Object.entries(plan[kind]).map(([level, value]) => {
          if (calendar !== undefined && !countsOnCalendar(value)) {
            complain([...at, kind, level], `"${value}": on a calendar only hours and minutes make sense`);
          }
          return [level, parseSpan(value) ?? 0];
        }),
      );
    return [
      connection,
      {
        calendar: calendar ?? null,
        pauseIn: plan.pause_in,
        response: targets('response'),
        resolution: targets('resolution'),
      },
    ];
  });
  return Object.fromEntries(read);
}

function readSilences(
  written: z.output<typeof silencesSchema>,
  calendars: readonly string[],
  { complain, connections, lists }: TimeContext,
): readonly SilenceConfig[] {
  const names: ConditionNames = { lists, calendars, connections };
  return written.map((silence, index) => {
    const report = { error: complain, warning: () => undefined };
    parseCondition(silence.when, ['silences', index, 'when'], report, { names, firstStateCounts: false });
    return {
      when: silence.when,
      fromMs: instantIn(silence.from, silence.time_zone),
      untilMs: instantIn(silence.until, silence.time_zone),
      reason: silence.reason,
    };
  });
}

/** A time with an offset says where it is; one without is what a wall clock of the zone shows. */
function instantIn(text: string, timeZone: string): number {
  const ms = parseInstant(text);
  return /(?:Z|[+-]\d{2}:?\d{2})$/.test(text.slice(10)) ? ms : createZone(timeZone).toInstant(ms);
}
