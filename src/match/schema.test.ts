import { expect, test } from 'vitest';
import { ACTIONS } from './actions.ts';
import { OPERATORS } from './operators.ts';
import { ACTION_NAMES } from './rule.ts';
import { ruleSchema, ruleSchemaText } from './schema.ts';

test('schema/rule.schema.json is what the tables give (npx vitest run -u src/match/schema writes it)', async () => {
  await expect(ruleSchemaText()).toMatchFileSnapshot('../../schema/rule.schema.json');
});

test('it knows every action and operator', () => {
  const text = JSON.stringify(ruleSchema());

  for (const name of ACTION_NAMES) expect(text).toContain(`#/$defs/action.${name}`);
  for (const name of Object.keys(OPERATORS)) expect(text).toContain(`"${name}":`);
  expect(Object.keys(ACTIONS)).toEqual([...ACTION_NAMES]);
});
