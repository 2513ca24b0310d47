import { describe, expect, test } from 'vitest';
import type { Child } from '../vendors/vendor.ts';
import { judgeAppend, judgeSets, weighAbsence, type AppendEvidence } from './verify.ts';

const child = (more: Partial<Child> = {}): Child => ({
  id: '7',
  authorId: 'bot',
  at: '2026-11-23T10:00:01.000Z',
  text: 'on it',
  ...more,
});
const evidence = (more: Partial<AppendEvidence> = {}): AppendEvidence => ({
  children: [child()],
  text: 'on it',
  botUserId: 'bot',
  before: [],
  taken: new Set(),
  ...more,
});

describe('looking for our own comment', () => {
  test.each<[string, Partial<AppendEvidence>]>([
    ['as it was sent', {}],
    ['in markup, with other white space', { children: [child({ text: '<p>on&nbsp;it </p>\r\n' })] }],
    ['by a desk that does not say who', { children: [child({ authorId: null })] }],
    ['by a desk that does not say when', { children: [child({ at: null })] }],
    ['by a desk whose clock is hours behind', { children: [child({ at: '2026-11-23T07:00:00.000Z' })] }],
    [
      'the newer of two equal ones, when the older was there before',
      { children: [child({ id: '6' }), child()], before: ['6'] },
    ],
    [
      'where another step made the other one',
      { children: [child({ id: '6' }), child()], taken: new Set(['6']) },
    ],
  ])('finds it %s', (_, more) => {
    expect(judgeAppend(evidence(more))).toEqual({ answer: 'present', child: '7' });
  });

  test.each<[string, Partial<AppendEvidence>]>([
    ['nothing is there', { children: [] }],
    ['somebody else wrote the same', { children: [child({ authorId: '2' })] }],
    [
      'a requester forged our reference (input 76)',
      { children: [child({ authorId: '2', text: 'on it [ref bbbbbb]' })], text: 'on it [ref bbbbbb]' },
    ],
    ['it was there before', { before: ['7'] }],
    ['it is another step’s', { taken: new Set(['7']) }],
    [
      'it has another reference',
      { children: [child({ text: 'on it [ref aaaaaa]' })], text: 'on it [ref bbbbbb]' },
    ],
  ])('does not when %s', (_, more) => {
    expect(judgeAppend(evidence(more))).toEqual({ answer: 'absent' });
  });

  test('where nothing can be listed, a person decides', () => {
    expect(judgeAppend(evidence({ children: null })).answer).toBe('uncertain');
  });
});

describe('looking whether fields were set', () => {
  const sets = { priority: { from: 'low', to: 'high' }, title: { from: 'a', to: 'b' } } as const;
  const level = (name: 'low' | 'high' | 'urgent') => ({ id: name, name, level: name });

  test.each([
    ['all as we wanted', { priority: level('high'), title: 'b' }, 'present'],
    ['all as before', { priority: level('low'), title: 'a' }, 'absent'],
    ['one as we wanted, one as before', { priority: level('high'), title: 'a' }, 'absent'],
    ['one that somebody else set', { priority: level('urgent'), title: 'a' }, 'overtaken'],
    ['one that cannot be read', { priority: level('high') }, 'uncertain'],
  ])('%s: %s', (_, observed, answer) => {
    expect(judgeSets(sets, { id: '1', ...observed }).answer).toBe(answer);
  });
});

describe('an absence', () => {
  const [DEADLINE, SETTLE] = [20_000, 30_000];

  test.each([
    [
      'before the settle time counts for nothing',
      0,
      49_999,
      { decision: 'look again', inMs: 1, absences: 0 },
    ],
    ['after it counts once', 0, 50_000, { decision: 'look again', inMs: 5_000, absences: 1 }],
    ['the second time is believed', 1, 55_000, { decision: 'resend' }],
  ])('%s', (_, absences, now, wanted) => {
    expect(weighAbsence({ deadlineAt: DEADLINE, absences }, SETTLE, now)).toEqual(wanted);
  });
});
