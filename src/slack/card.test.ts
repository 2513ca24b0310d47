import { describe, expect, test } from 'vitest';
import { blockProblem } from '../demo/simulators/slack/blocks.ts';
import { presentTicket, type ObservedTicket } from '../ticket.ts';
import { drawCard, drawDigest, headline, readTicketRef, ticketRef, type CardState } from './card.ts';
import { cut, cutMrkdwn, link, literal, literalInline, moment } from './text.ts';

function stateOf(observed: Partial<ObservedTicket>, more: Partial<CardState> = {}): CardState {
  const own = { acknowledged: false, snoozed: false, revision: 1 };
  const { ticket } = presentTicket({ id: '7', display_id: '#7', title: 'VPN down', ...observed }, own);
  return {
    connectionId: 3,
    connection: 'acme',
    ticket,
    gone: false,
    acknowledgedBy: null,
    snoozedUntil: null,
    lead: 'New: VPN down',
    notice: null,
    ...more,
  };
}

const BUTTONS = ['acknowledge', 'assign', 'snooze', 'escalate', 'close'] as const;
const person = (name: string) => ({ id: '1', name, email: null, kind: 'agent' }) as const;

describe('text', () => {
  test('is cut between characters as people see them', () => {
    const family = '👨‍👩‍👧';

    expect(cut(family.repeat(3), 17)).toBe(`${family.repeat(2)}…`);
    expect(cut('e\u0301'.repeat(10), 4)).toBe('e\u0301…');
    expect(cut('short', 5)).toBe('short');
    expect(cut('x'.repeat(50_000), 150)).toHaveLength(150);
  });

  test('that is mrkdwn is never cut inside an entity or a link', () => {
    expect(cutMrkdwn('aaaa &amp; b', 8)).toBe('aaaa …');
    expect(cutMrkdwn('see <https://desk.test/1|#1> now', 20)).toBe('see …');
  });

  test.each([
    ['<!channel>', '&lt;!channel&gt;'],
    ['<@U123>', '&lt;@U123&gt;'],
    ['<https://evil.test|Reset>', '&lt;https://evil.test|Reset&gt;'],
    ['&lt;!here&gt;', '&amp;lt;!here&amp;gt;'],
    ['a\u202Eb\u200Bc\u0007d', 'abcd'],
  ])('%s is literal', (text, expected) => {
    expect(literal(text)).toBe(expected);
  });

  test('cannot leave a code span, bold or a link label', () => {
    expect(literalInline('a*b`c~d|e\nf')).toBe('a∗bˋc∼d∣e f');
  });

  test('links only what a browser opens', () => {
    expect(link('javascript:alert(1)', 'x')).toBe('x');
    expect(link('https://desk.test/a|b', 'x')).toBe('x');
    expect(link('https://desk.test/?a=1&b=2', 'x')).toBe('<https://desk.test/?a=1&amp;b=2|x>');
  });

  test('shows moments in the reader’s time zone', () => {
    expect(moment('2026-11-23T12:00:00.000Z', '{time}')).toBe(
      '<!date^1795435200^{time}|2026-11-23 12:00 UTC>',
    );
  });
});

describe('a card', () => {
  test.each([
    [{ phase: 'open' }, {}, 'Nobody has it yet'],
    [{ phase: 'open', assignee: person('Nora') }, {}, 'Nora acts now'],
    [{ phase: 'waiting', assignee: person('Nora') }, {}, 'The customer is asked'],
    [{ phase: 'open', awaiting: 'customer' }, {}, 'The customer is asked'],
    [{ phase: 'open' }, { acknowledgedBy: 'ali@acme.com' }, 'ali@acme.com took it'],
    [{ phase: 'closed' }, {}, 'Nothing to do: closed'],
    [{ phase: 'open' }, { gone: true }, 'This ticket is gone'],
    [{ phase: 'open' }, { snoozedUntil: '2026-11-23T12:00:00.000Z' }, '💤'],
    [{ phase: 'open' }, { notice: '⚠️ Closing failed' }, '⚠️ Closing failed'],
  ] as const)('%j %j says %s', (observed, more, expected) => {
    expect(JSON.stringify(drawCard(stateOf(observed, more), BUTTONS).blocks)).toContain(expected);
  });

  test('has the buttons that make sense now', () => {
    const ids = (state: CardState): string[] =>
      [...JSON.stringify(drawCard(state, BUTTONS).blocks).matchAll(/desk:(\w+)/g)].map(
        (match) => match[1] ?? '',
      );

    expect(ids(stateOf({ phase: 'open' }))).toEqual([...BUTTONS]);
    expect(ids(stateOf({ phase: 'open' }, { acknowledgedBy: 'x' }))).toEqual([
      'assign',
      'snooze',
      'escalate',
      'close',
    ]);
    expect(ids(stateOf({ phase: 'resolved' }))).toEqual([]);
  });

  test('keeps Slack’s limits whatever a ticket says', () => {
    const long = '<&>'.repeat(20_000);
    const named = { id: '1', name: long };
    const state = stateOf(
      {
        title: long,
        status: named,
        queue: named,
        requester: person(long),
        assignee: person(long),
        phase: 'open',
      },
      { lead: literal(long), notice: long, acknowledgedBy: long },
    );

    expect(blockProblem(drawCard(state, BUTTONS).blocks)).toBeNull();
    expect(drawCard(state, BUTTONS).text.length).toBeLessThanOrEqual(3_000);
    const digest = drawDigest(
      Array.from({ length: 41 }, () => state),
      [],
    );
    expect(blockProblem(digest.blocks)).toBeNull();
    expect(
      blockProblem(
        drawDigest(
          [],
          Array.from({ length: 41 }, () => literal(long)),
        ).blocks,
      ),
    ).toBeNull();
  });

  test('is the same for the same state, so that nothing is redrawn in vain', () => {
    expect(drawCard(stateOf({}), BUTTONS)).toEqual(drawCard(stateOf({}), BUTTONS));
  });

  test('names its ticket in a way that is read back', () => {
    expect(readTicketRef(ticketRef(3, 'A:7|x'))).toEqual({ connectionId: 3, ticketId: 'A:7|x' });
    expect(readTicketRef('nonsense')).toBeNull();
    expect(
      headline(stateOf({ url: 'https://desk.test/7', priority: { id: '1', name: 'P1', level: 'critical' } })),
    ).toBe('🔴 *<https://desk.test/7|#7 VPN down>*');
  });
});
