import { describe, expect, test } from 'vitest';
import type { DeskEvent } from '../event.ts';
import { createCalendars, calendarSettings } from '../sla/calendars.ts';
import type { ObservedTicket } from '../ticket.ts';
import { presentTicket } from '../ticket.ts';
import { compileCondition } from './compile.ts';
import { loadRules, type KnownNames } from './load.ts';
import { NO_SETTINGS, type MatchSettings } from './matcher.ts';
import { createMoments, nextMoment, type TicketView } from './moments.ts';
import type { Rule } from './rule.ts';

const KNOWN: KnownNames = {
  connections: null,
  lists: [],
  calendars: ['office'],
  environment: [],
  oncall: [],
};
const at = (text: string): number => Date.parse(text);
const CALENDAR = {
  name: 'office',
  timeZone: 'Europe/Istanbul',
  week: [[], ...Array.from({ length: 5 }, () => [{ from: 540, to: 1080 }]), []],
  holidays: new Set<string>(),
};
const SETTINGS: MatchSettings = { ...NO_SETTINGS, ...calendarSettings(createCalendars([CALENDAR])) };

function ruleWhen(when: string): Rule {
  const text = `id: r\nname: r\nwhen: ${when}\nthen: [acknowledge]\n`;
  const { rules, problems } = loadRules([{ file: 'r.yaml', text }], KNOWN);
  const rule = rules[0];
  if (rule === undefined) throw new Error(problems.map((problem) => problem.message).join());
  return rule;
}

function view(ticket: Partial<ObservedTicket>, snoozedUntil: number | null = null): TicketView {
  const shown = presentTicket(
    { id: '7', ...ticket },
    { acknowledged: false, snoozed: false, revision: 1 },
  ).ticket;
  const event: DeskEvent = {
    key: 'time:r:7:',
    type: 'ticket.time',
    connection: 'acme',
    vendor: 'jitbit',
    ticket_id: '7',
    occurred_at: null,
    observed_at: '2026-11-23T00:00:00.000Z',
    late: false,
    replay: false,
    via: 'clock',
    feed: null,
    own: false,
    unknown: [],
    actor: null,
    aspects: [],
    changes: null,
    comment: null,
    trigger: null,
    ticket: shown,
    body: null,
  };
  return { event, snoozedUntil };
}

const outlook = (
  when: string,
  ticket: Partial<ObservedTicket>,
  now: string,
  snoozedUntil: number | null = null,
): { since: string | null; next: string | null } => {
  const text = (ms: number | null): string | null => (ms === null ? null : new Date(ms).toISOString());
  const { since, next } = createMoments([ruleWhen(when)], SETTINGS).outlook(
    'r',
    view(ticket, snoozedUntil),
    at(now),
  );
  return { since: text(since), next: text(next) };
};

describe('the moment at which conditions become true', () => {
  test('older_than, within and overdue', () => {
    const ticket = { created_at: '2026-11-23T10:00:00.000Z', due_at: '2026-11-23T18:00:00.000Z' };

    expect(outlook('{ created_at: { older_than: 4h } }', ticket, '2026-11-23T11:00Z').next).toBe(
      '2026-11-23T14:00:00.000Z',
    );
    expect(outlook('{ due_at: { within: 30m } }', ticket, '2026-11-23T11:00Z').next).toBe(
      '2026-11-23T17:30:00.000Z',
    );
    expect(outlook('{ due_at: { overdue: true } }', ticket, '2026-11-23T11:00Z').next).toBe(
      '2026-11-23T18:00:00.001Z',
    );
  });

  test('where the rest of the rule does not hold there is none', () => {
    const ticket = { created_at: '2026-11-23T10:00:00.000Z', phase: 'closed' as const };

    expect(outlook('{ phase: open, created_at: { older_than: 4h } }', ticket, '2026-11-23T11:00Z').next).toBe(
      null,
    );
  });

  test('on a calendar', () => {
    const friday = { created_at: '2026-11-20T14:00:00.000Z', due_at: '2026-11-23T06:30:00.000Z' };

    expect(
      outlook('{ created_at: { older_than: { for: 2h, calendar: office } } }', friday, '2026-11-20T14:00Z')
        .next,
    ).toBe('2026-11-23T07:00:00.000Z');
    // With half an hour of Monday left, the condition is true from the end of Friday on.
    expect(
      outlook('{ due_at: { within: { for: 30m, calendar: office } } }', friday, '2026-11-20T14:00Z').next,
    ).toBe('2026-11-20T15:00:00.000Z');
  });

  test('two operators hold together only for a while', () => {
    const ticket = { created_at: '2026-11-23T10:00:00.000Z', due_at: '2026-11-23T12:00:00.000Z' };
    const both = '{ created_at: { older_than: 1h }, due_at: { within: 30m } }';

    expect(outlook(both, ticket, '2026-11-23T10:30Z')).toEqual({
      since: null,
      next: '2026-11-23T11:30:00.000Z',
    });
    expect(outlook(both, ticket, '2026-11-23T11:45Z')).toEqual({
      since: '2026-11-23T11:30:00.000Z',
      next: null,
    });
    expect(outlook(both, ticket, '2026-11-23T12:01Z')).toEqual({ since: null, next: null });
  });

  test('a snooze that ends is such a moment too', () => {
    const ticket = { created_at: '2026-11-23T10:00:00.000Z' };

    expect(
      outlook(
        '{ snoozed: false, created_at: { older_than: 1h } }',
        ticket,
        '2026-11-23T10:30Z',
        at('2026-11-23T15:00Z'),
      ).next,
    ).toBe('2026-11-23T15:00:00.000Z');
  });

  test('agrees with trying every minute, for groups and negations', () => {
    const whens = [
      '{ none: [{ created_at: { within: 2h } }], due_at: { within: 45m } }',
      '{ any: [{ created_at: { older_than: 3h } }, { due_at: { overdue: true } }] }',
      '{ all: [{ any: [{ updated_at: { older_than: 90m } }, { priority: urgent }] }], none: [{ due_at: { overdue: true } }] }',
      '{ created_at: { older_than: { for: 3h, calendar: office } }, due_at: { within: { for: 2h, calendar: office } } }',
    ];
    const minute = (n: number): string => new Date(at('2026-11-20T05:00Z') + n * 60_000).toISOString();
    for (const when of whens) {
      const rule = ruleWhen(when);
      const condition = compileCondition(rule.when, SETTINGS);
      for (let n = 0; n < 40; n += 1) {
        const seen = view({
          created_at: minute((n * 37) % 500),
          updated_at: minute((n * 53) % 700),
          due_at: minute((n * 71) % 900),
        });
        const now = at(minute((n * 29) % 600));
        let held = condition.test(seen.event, now);
        let expected: number | null = null;
        // Every time is a full minute, so that a truth begins there or (`overdue`, after `within`) a ms later.
        for (let t = now; t < now + 5 * 86_400_000 && expected === null; t += 60_000) {
          for (const instant of [t, t + 1].filter((one) => one > now && expected === null)) {
            const holds = condition.test(seen.event, instant);
            if (holds && !held) expected = instant;
            held = holds;
          }
        }

        expect(nextMoment(rule, seen, now, SETTINGS)).toBe(expected);
      }
    }
    // Millions of instants are tried.
  }, 120_000);
});
