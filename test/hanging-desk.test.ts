import { afterAll, beforeAll, expect, test } from 'vitest';
import { knownNamesOf, matchSettingsOf } from '../src/cli/setup.ts';
import { parseConfig } from '../src/config.ts';
import { vendors } from '../src/vendors/registry.ts';
import { startTestApp, type TestApp } from './support/app.ts';
import { until } from './support/until.ts';
import { startAllDesks, type AnyDesk } from './torture/all-desks.ts';

/** Four desks in one process, two of which answer nobody: the others' changes are seen and acted on as without them. */

const RULES = `
id: answer
name: every new ticket is answered
on: [ticket.created]
when: { title: { contains: VPN } }
then: [{ comment: { text: "On it" } }]
`;

/** More than one desk may have under way. */
const WAITING = 20;
/** Sooner than a write that hangs is given up, after 20 s: what came later might have come of that. */
const WITHIN_MS = 18_000;

let desks: readonly AnyDesk[];
let stage: TestApp;

beforeAll(async () => {
  desks = await startAllDesks();
  const lines = desks.map(({ name, connection }) => `  ${name}: ${connection}`);
  const text = `connections:\n${lines.join('\n')}\n`;
  const config = parseConfig({ file: 'deskhand.yaml', text, env: {}, vendors });
  const more = {
    connections: config.connections,
    known: knownNamesOf(config, {}),
    matchSettings: matchSettingsOf(config),
  };
  stage = await startTestApp({ rules: RULES, more });
  await stage.ready();
});
afterAll(async () => {
  await stage.close();
  for (const desk of desks) await desk.close();
});

const answered = (desk: AnyDesk, id: number): Promise<boolean> =>
  until(`the comment on ${desk.name}`, () => desk.ownComments(id) === 1, WITHIN_MS);

test('the others are polled and written to while the writes of one desk and the reads of another hang', async () => {
  const [written, read, ...others] = desks;
  if (written === undefined || read === undefined) throw new Error('there are no desks');
  const hangs = ({ name, calls }: AnyDesk): Promise<boolean> =>
    until(`a call to ${name} that hangs`, () => calls.all.some(({ fault }) => fault === 'hang'));
  written.faults.always('POST comment', { kind: 'hang' });
  read.faults.always('*', { kind: 'hang' });
  const waiting = Array.from({ length: WAITING }, (_, index) => written.create(`VPN ${index}`));
  await Promise.all([hangs(written), hangs(read)]);

  const created = others.map((desk) => ({ desk, id: desk.create('VPN down') }));
  await Promise.all(created.map(({ desk, id }) => answered(desk, id)));

  expect(waiting.map((id) => written.ownComments(id))).toEqual(waiting.map(() => 0));
  expect(created.map(({ desk, id }) => desk.ownComments(id))).toEqual([1, 1]);
}, 60_000);
