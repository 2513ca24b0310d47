import { sql } from 'kysely';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { knownNamesOf, matchSettingsOf } from '../src/cli/setup.ts';
import { parseConfig, type Config } from '../src/config.ts';
import { ConfigError } from '../src/errors.ts';
import { loadRules } from '../src/match/load.ts';
import { vendors } from '../src/vendors/registry.ts';
import { startTestApp, type TestApp } from './support/app.ts';
import { until } from './support/until.ts';
import { startToyDesk, type ToyDesk } from './toydesk/desk.ts';
import { toydesk } from './toydesk/index.ts';

/**
 * A vendor nobody has heard of, as one folder (`test/toydesk`) and one line of a registry, goes the whole way:
 * configuration, rules, polls, events, actions. Nothing else knows it.
 */

const registry = { ...vendors, toydesk };

const RULES = `
id: toys
name: Toys are looked after
on: [ticket.updated]
when: { connection: attic, queue: Teddies }
then: [{ comment: { text: "On it: {{ ticket.title }}" } }]
`;

let desk: ToyDesk;
let config: Config;
let stage: TestApp;

function configure(keys: string): Config {
  const text = `connections:\n  attic:\n    vendor: toydesk\n    url: ${desk.url}\n    ${keys}\n`;
  return parseConfig({ file: 'deskhand.yaml', text, env: { TOY_KEY: desk.key }, vendors: registry });
}

beforeAll(async () => {
  desk = await startToyDesk();
  desk.tickets.set(1, {
    no: 1,
    title: 'An ear is off',
    queue: 'Dolls',
    opened: '2026-01-01T00:00:00Z',
    notes: [],
  });
  config = configure('key: ${TOY_KEY}\n    poll: 1s');
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
  await desk.close();
});

test('a change on it becomes one event, matches, and is acted on', async () => {
  const ticket = desk.tickets.get(1);
  if (ticket === undefined) throw new Error('the ticket is gone');
  ticket.queue = 'Teddies';

  await until('the comment on the toy desk', () => ticket.notes.length > 0);
  const { rows } = await sql<{ type: string; vendor: string; changes: unknown }>`
    SELECT doc->>'type' AS type, doc->>'vendor' AS vendor, doc->'changes' AS changes
      FROM events WHERE ticket_id = '1' AND doc->>'type' = 'ticket.updated'`.execute(stage.database.db);

  expect(ticket.notes).toEqual(['On it: An ear is off']);
  expect(rows).toMatchObject([
    { type: 'ticket.updated', vendor: 'toydesk', changes: { queue: { to: { name: 'Teddies' } } } },
  ]);
});

test('its own settings are checked like those of the built-in ones', () => {
  const mistakes = (): Config => configure('kee: x');

  expect(mistakes).toThrow(ConfigError);
  expect(mistakes).toThrow(/unknown key "kee". Did you mean "key"\?/);
});

test('an action that it does not have is refused when the rule is loaded', () => {
  const text = RULES.replace(/then: .*/, 'then: [{ reassign: { queue: Dolls } }]');
  const { problems } = loadRules([{ file: 'rules.yaml', text }], knownNamesOf(config, {}));

  expect(problems.map(({ severity, message }) => [severity, message])).toContainEqual([
    'error',
    expect.stringContaining('Toydesk (attic) does not support "reassign"'),
  ]);
});
