import { expect, test } from 'vitest';
import { loadRules } from '../../match/load.ts';
import { gotoassist } from './index.ts';

/** What a rule may ask of this desk, as people see it when the rule is loaded. */
function problemsOf(when: string, step: string): readonly (readonly [string, string])[] {
  const text = `id: r\nname: R\nwhen: { ${when}title: { contains: vpn } }\nthen: [${step}]\n`;
  const { actions } = gotoassist.capabilities;
  const { problems } = loadRules([{ file: 'r.yaml', text }], {
    connections: { legacy: { vendor: 'gotoassist', vendorName: 'GoToAssist', actions } },
    lists: [],
    calendars: [],
    environment: [],
    oncall: [],
  });
  return problems
    .filter(({ message }) => message.includes('GoToAssist'))
    .map(({ severity, message }) => [severity, message] as const);
}

test('a public comment is refused where the rule names the connection, and warned about where it does not', () => {
  const step = '{ comment: { text: hi, public: true } }';

  expect(problemsOf('connection: legacy, ', step)).toEqual([
    ['error', expect.stringContaining('does not support "public" of "comment"')],
  ]);
  expect(problemsOf('', step)).toEqual([['warning', expect.stringContaining('"public" of "comment"')]]);
});

test.each([
  '{ comment: { text: hi } }',
  '{ comment: { text: hi, public: false } }',
  '{ watch: { add: [nora] } }',
  '{ resolve: { text: done } }',
  '{ set: { due_at: "2026-12-01T10:00:00Z" } }',
])('%s is fine', (step) => {
  expect(problemsOf('connection: legacy, ', step)).toEqual([]);
});

test.each([
  '{ tag: { add: [vip] } }',
  '{ wait_for: customer }',
  '{ task: { title: x } }',
  '{ set: { custom: { tier: gold } } }',
])('%s is not', (step) => {
  expect(problemsOf('connection: legacy, ', step)).toEqual([
    ['error', expect.stringContaining('does not support')],
  ]);
});
