import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseConfig } from '../src/config.ts';
import { loadRules } from '../src/match/load.ts';
import { vendors } from '../src/vendors/registry.ts';

const text = readFileSync(new URL('../docs/time.md', import.meta.url), 'utf8');
const blocks = [...text.matchAll(/```yaml\n([\s\S]*?)```/g)].map((found) => found[1] ?? '');
const rules = blocks.filter((block) => block.startsWith('id:'));
const parts = blocks.filter((block) => !block.startsWith('id:'));

describe('docs/time.md', () => {
  test('its configuration is read, all parts together', () => {
    const head = 'connections: { mon: { vendor: webhook, webhook_secret: s3cret-s3cret } }\n';
    const config = parseConfig({ file: 'd.yaml', text: head + parts.join(''), env: {}, vendors });

    expect(config.calendars.map(({ name }) => name)).toEqual(['office']);
    expect(config.silences).toHaveLength(1);
  });

  test('its rules load', () => {
    const known = {
      connections: null,
      lists: [],
      calendars: ['office'],
      environment: [],
      oncall: ['network'],
    };
    const { problems } = loadRules([{ file: 'r.yaml', text: rules.join('---\n') }], known);

    expect(problems.filter(({ severity }) => severity === 'error')).toEqual([]);
    expect(rules).toHaveLength(3);
  });
});
