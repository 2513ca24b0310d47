import { describe, expect, test } from 'vitest';
import type { Comment, ObservedTicket, Person } from '../ticket.ts';
import {
  ANY_VALUE,
  aspectsOf,
  attribute,
  diffTicket,
  newComments,
  resetsAttention,
  type OwnWriteMark,
} from './diff.ts';

const person = (id: string | null, name: string, more: Partial<Person> = {}): Person => ({
  id,
  name,
  email: null,
  kind: 'agent',
  ...more,
});
const ticket = (fields: Partial<ObservedTicket> = {}): ObservedTicket => ({ id: '1', ...fields });
const high = { id: '1', name: 'High', level: 'high' } as const;
const low = { id: '-1', name: 'Low', level: 'low' } as const;

describe('the difference between two states', () => {
  test.each<[string, Partial<ObservedTicket>, Partial<ObservedTicket>, object]>([
    ['text', { title: 'a' }, { title: 'b' }, { title: { from: 'a', to: 'b' } }],
    ['a value to none', { title: 'a' }, { title: null }, { title: { from: 'a', to: null } }],
    [
      'priority, told by its level',
      { priority: low },
      { priority: high },
      { priority: { from: 'low', to: 'high' } },
    ],
    [
      'the same priority under the number of another queue is none',
      { priority: { id: '60', name: 'Important', level: 'high' } },
      { priority: { id: '160', name: 'Important', level: 'high' } },
      {},
    ],
    [
      'priority without a level, told by name',
      { priority: null },
      { priority: { id: '9', name: 'P0', level: null } },
      { priority: { from: null, to: 'P0' } },
    ],
    [
      'an assignee',
      { assignee: null },
      { assignee: person('2', 'Nora') },
      { assignee: { from: null, to: person('2', 'Nora') } },
    ],
    ['tags', { tags: ['a'] }, { tags: ['a', 'b'] }, { tags: { from: ['a'], to: ['a', 'b'] } }],
    ['a custom field', custom('gold'), custom('silver'), { 'custom.tier': { from: 'gold', to: 'silver' } }],
    ['a new custom field', { custom: {} }, custom('gold'), { 'custom.tier': { from: null, to: 'gold' } }],
    [
      'an SLA moment',
      sla(null),
      sla('2026-11-23T10:00:00.000Z'),
      { 'sla.response_due_at': { from: null, to: '2026-11-23T10:00:00.000Z' } },
    ],
  ])('shows %s', (_, before, after, changes) => {
    expect(diffTicket(ticket(before), ticket(after))).toEqual(changes);
  });

  test.each<[string, Partial<ObservedTicket>, Partial<ObservedTicket>]>([
    ['a field that was never fetched before', {}, { title: 'b' }],
    ['a field that was not fetched now', { title: 'a' }, {}],
    [
      'what moves by itself',
      { updated_at: 'a', awaiting: 'agent', raw: 1 },
      { updated_at: 'b', awaiting: 'customer', raw: 2 },
    ],
    [
      'the same person under another spelling',
      { assignee: person('2', 'Nora') },
      { assignee: person('2', 'Yilmaz, Nora') },
    ],
    [
      'the same person without an id',
      { assignee: person(null, 'N', { email: 'n@a.co' }) },
      { assignee: person('2', 'Nora', { email: 'n@a.co' }) },
    ],
    ['the order of tags', { tags: ['a', 'b'] }, { tags: ['b', 'a'] }],
    ['a custom field without a value that appears', { custom: {} }, custom(null)],
    ['a custom field that is missing on both sides', { custom: {} }, { custom: {} }],
  ])('does not show %s', (_, before, after) => {
    expect(diffTicket(ticket(before), ticket(after))).toEqual({});
  });

  test.each([
    ['open', 'resolved', ['status', 'resolved']],
    ['open', 'closed', ['status', 'closed']],
    ['closed', 'open', ['status', 'reopened']],
    ['resolved', 'closed', ['status', 'closed']],
    ['new', 'open', ['status']],
  ])('a phase from %s to %s has the aspects %j', (from, to, aspects) => {
    expect(aspectsOf({ phase: { from, to } })).toEqual(aspects);
  });

  test.each([
    ['reopened', { phase: { from: 'closed', to: 'open' } }, true],
    ['moved to another queue', { queue: { from: null, to: { id: '1' } } }, true],
    ['closed', { phase: { from: 'open', to: 'closed' } }, false],
    ['given to somebody', { assignee: { from: null, to: null } }, false],
  ])('a ticket that was %s: nobody has acknowledged it any more: %s', (_, changes, resets) => {
    expect(resetsAttention(changes)).toBe(resets);
  });
});

describe('telling our changes from other people’s', () => {
  const mark = (more: Partial<OwnWriteMark> = {}): OwnWriteMark => ({
    id: 'w1',
    field: 'priority',
    value: 'high',
    depth: 1,
    stepId: 's1',
    answeredSeq: 10,
    ...more,
  });
  const toHigh = { priority: { from: 'low', to: 'high' } };
  const toLow = { priority: { from: 'normal', to: 'low' } };
  const [AFTER, BEFORE] = [11, 9];

  test('a read begun after the answer with our value: ours, and used up', () => {
    expect(attribute(toHigh, ticket({ priority: high }), [mark()], AFTER, null)).toEqual({
      changes: { priority: { from: 'low', to: 'high', by: 'self' } },
      consumed: ['w1'],
      cause: { depth: 1, stepId: 's1' },
    });
  });

  test('a read begun before the answer that finds our value already: ours, and used up', () => {
    expect(
      attribute(toHigh, ticket({ priority: high }), [mark({ answeredSeq: null })], BEFORE, null),
    ).toMatchObject({
      changes: { priority: { by: 'self' } },
      consumed: ['w1'],
    });
  });

  test('a read begun before the answer with another value: compared as usual, nothing used up', () => {
    expect(attribute(toLow, ticket({ priority: low }), [mark()], BEFORE, person('2', 'Nora'))).toEqual({
      changes: { priority: { from: 'normal', to: 'low', by: 'agent' } },
      consumed: [],
      cause: null,
    });
  });

  test('a read begun after the answer with another value: an edit on top of ours', () => {
    expect(attribute(toLow, ticket({ priority: low }), [mark()], AFTER, person('2', 'Nora'))).toEqual({
      changes: { priority: { from: 'high', to: 'low', by: 'unknown' } },
      consumed: ['w1'],
      cause: null,
    });
  });

  test('a read begun after the answer that shows no change yet keeps the mark', () => {
    expect(attribute({}, ticket({ priority: low }), [mark()], AFTER, null).consumed).toEqual([]);
  });

  test('our value without a change uses the mark up', () => {
    expect(attribute({}, ticket({ priority: high }), [mark()], AFTER, null).consumed).toEqual(['w1']);
  });

  test('a field that this read did not fetch says nothing', () => {
    expect(attribute({}, ticket(), [mark()], AFTER, null).consumed).toEqual([]);
  });

  test('a field that the desk moved along with our write is ours, whatever its value', () => {
    const closed = { closed_at: { from: null, to: '2026-11-23T10:00:00.000Z' } };
    const along = mark({ field: 'closed_at', value: ANY_VALUE });

    const result = attribute(closed, ticket({ closed_at: '2026-11-23T10:00:00.000Z' }), [along], AFTER, null);

    expect(result.changes['closed_at']?.by).toBe('self');
    expect(result.consumed).toEqual(['w1']);
  });

  test('of ours and a person’s change in one read only ours is ours', () => {
    const changes = { ...toHigh, title: { from: 'a', to: 'b' } };

    const result = attribute(
      changes,
      ticket({ priority: high, title: 'b' }),
      [mark()],
      AFTER,
      person('9', 'C', { kind: 'requester' }),
    );

    expect([result.changes['priority']?.by, result.changes['title']?.by]).toEqual(['self', 'requester']);
  });

  test('the deepest of several causes counts', () => {
    const changes = { ...toHigh, title: { from: 'a', to: 'b' } };
    const marks = [mark(), mark({ id: 'w2', field: 'title', value: 'b', depth: 3, stepId: 's2' })];

    expect(attribute(changes, ticket({ priority: high, title: 'b' }), marks, AFTER, null).cause).toEqual({
      depth: 3,
      stepId: 's2',
    });
  });
});

describe('new comments', () => {
  const baseline = Date.parse('2026-11-23T10:00:00Z');
  const comment = (id: string, more: Partial<Comment> = {}): Comment => ({
    id,
    at: '2026-11-23T11:00:00.000Z',
    author: null,
    text: 'x',
    public: true,
    system: false,
    solution: false,
    ...more,
  });
  const ids = (known: readonly string[] | null, now: readonly Comment[], system = false): readonly string[] =>
    newComments(known, now, baseline, system).map((one) => one.id);

  test.each<[string, readonly string[] | null, Comment, readonly string[]]>([
    ['one that was not known', ['1'], comment('2'), ['2']],
    ['one that was known', ['2'], comment('2'), []],
    ['one older than the baseline', ['1'], comment('2', { at: '2026-11-23T09:00:00.000Z' }), []],
    [
      'one of the moment in which history ends',
      ['1'],
      comment('2', { at: '2026-11-23T10:00:00.000Z' }),
      ['2'],
    ],
    ['one newer than the baseline where none were ever fetched', null, comment('2'), ['2']],
    ['one without a time where others are known', ['1'], comment('2', { at: null }), ['2']],
    ['one without a time where none were ever fetched', null, comment('2', { at: null }), []],
    ['a log line', ['1'], comment('2', { system: true }), []],
  ])('%s', (_, known, now, wanted) => {
    expect(ids(known, [now])).toEqual(wanted);
  });

  test('a log line is one where rules read them', () => {
    expect(ids([], [comment('2', { system: true })], true)).toEqual(['2']);
  });
});

function custom(value: string | null): Partial<ObservedTicket> {
  return { custom: { tier: { id: '5', name: 'tier', value } } };
}

function sla(at: string | null): Partial<ObservedTicket> {
  return { sla: { response_due_at: at, resolution_due_at: null, state: null } };
}
