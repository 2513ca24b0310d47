import { describe, expect, test } from 'vitest';
import { loadRules, NOTHING_KNOWN } from '../match/load.ts';
import type { Rule } from '../match/rule.ts';
import { createIdSource, ticketLane } from '../record/ids.ts';
import { decideRun, planRun, type Standing } from './plan.ts';

const CALM: Standing = { depth: 0, paused: false, recentRuns: 0, muted: false, recentRunsOfRule: null };

function rule(more = ''): Rule {
  const text = `id: r\nname: r\nwhen: { category: Network }\nthen:\n  - acknowledge: {}\n  - wait: 5m\n  - acknowledge: {}\n${more}`;
  const { rules, problems } = loadRules([{ file: 'r.yaml', text }], NOTHING_KNOWN);
  const [first] = rules;
  if (first === undefined) throw new Error(problems.map((problem) => problem.message).join('\n'));
  return first;
}

describe('what becomes of a match', () => {
  const limited = 'limit: { per_ticket: 2/1h, per_rule: 10/1h }';

  test.each<[string, string, Partial<Standing>, object]>([
    ['a calm one runs', '', {}, { state: 'active', reason: null }],
    ['an event without a ticket has no limit per ticket', '', { recentRuns: null }, { state: 'active' }],
    [
      'a chain of five causes ends',
      '',
      { depth: 5 },
      { state: 'ended', reason: 'suppressed: causation depth' },
    ],
    ['a chain of four does not', '', { depth: 4 }, { state: 'active' }],
    [
      'the sixth within an hour mutes the pair',
      '',
      { recentRuns: 5 },
      { state: 'ended', reason: 'suppressed: limit', mute: true },
    ],
    ['the fifth runs', '', { recentRuns: 4 }, { state: 'active' }],
    [
      'a muted pair stays silent',
      '',
      { muted: true },
      { state: 'ended', reason: 'suppressed: muted', mute: false },
    ],
    [
      'a written limit suppresses without muting',
      limited,
      { recentRuns: 2 },
      { state: 'ended', reason: 'suppressed: limit', mute: false },
    ],
    [
      'over per_rule it is held, and the rule paused',
      limited,
      { recentRunsOfRule: 10 },
      { state: 'held', pause: true },
    ],
    ['a paused rule holds', '', { paused: true }, { state: 'held', reason: 'rule paused', pause: false }],
    ['a shadow rule only notes', 'mode: shadow', {}, { state: 'done', reason: 'shadow' }],
    [
      'a shadow rule that is paused still notes',
      'mode: shadow',
      { paused: true },
      { state: 'done', reason: 'shadow' },
    ],
  ])('%s', (_, more, standing, wanted) => {
    expect(decideRun(rule(more), { ...CALM, ...standing })).toMatchObject(wanted);
  });
});

describe('a plan', () => {
  const origin = {
    eventId: '018f0000-0000-7000-8000-000000000000',
    eventAt: '2026-11-23T10:00:00.000Z',
    connectionId: 3,
    depth: 1,
    replayNo: 0,
  };
  const newId = createIdSource(() => 1);
  const active = { state: 'active', reason: null, mute: false, pause: false } as const;

  test('has one step per action, of which only the first is due', () => {
    const { run, steps } = planRun({ ...origin, ticketId: '12' }, rule(), 7, active, newId);

    expect(run).toMatchObject({ ruleId: 'r', ruleVersionId: 7, depth: 1, state: 'active', shadow: false });
    expect(steps.map(({ path, position, due }) => [path, position, due])).toEqual([
      ['0', 0, true],
      ['1', 1, false],
      ['2', 2, false],
    ]);
  });

  test('takes the lane of its ticket, or of its event where there is none', () => {
    const withTicket = planRun({ ...origin, ticketId: '12' }, rule(), 7, active, newId);
    const without = planRun({ ...origin, ticketId: null }, rule(), 7, active, newId);

    expect(withTicket.run.laneId).toBe(ticketLane(3, '12'));
    expect(without.run.laneId).toBe(origin.eventId);
  });

  test('of a held run waits whole, of a suppressed one has no steps', () => {
    const held = planRun({ ...origin, ticketId: '1' }, rule(), 7, { ...active, state: 'held' }, newId);
    const ended = planRun({ ...origin, ticketId: '1' }, rule(), 7, { ...active, state: 'ended' }, newId);

    expect(held.steps.map((step) => step.due)).toEqual([false, false, false]);
    expect(ended.steps).toEqual([]);
  });
});
