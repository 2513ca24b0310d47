import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { collectingLog } from '../../test/support/app.ts';
import { createTestDatabase } from '../../test/support/database.ts';
import { runDemo } from './demo.ts';

test('the demo shows all four desks: seen, moved, commented and told in Slack', async () => {
  const database = await createTestDatabase();
  const folder = await mkdtemp(join(tmpdir(), 'deskhand-demo-test-'));
  const lines: string[] = [];
  const logged: string[] = [];
  try {
    const shown = await runDemo({
      databaseUrl: database.url,
      folder,
      forMs: 5_500,
      graceMs: 90_000,
      signal: AbortSignal.timeout(100_000),
      port: 0,
      log: collectingLog(logged),
      write: (line) => lines.push(...line.split('\n')),
      colour: false,
    });

    const text = lines.join('\n');
    expect(text).toContain('Everything was shown');
    expect(shown).toBe(true);
    for (const desk of ['acme-invgate', 'acme-jitbit', 'acme-boss', 'legacy']) {
      expect(text).toMatch(new RegExp(`^${desk} +\\w+: \\d+ open tickets known`, 'm'));
      expect(text).toMatch(new RegExp(`event +${desk} ticket.created`));
      expect(text).toMatch(new RegExp(`action .*: comment ${desk} #\\d+ done`));
    }
    expect(logged.filter((line) => line.startsWith('error'))).toEqual([]);
  } finally {
    await rm(folder, { recursive: true, force: true });
    await database.drop();
  }
}, 120_000);
