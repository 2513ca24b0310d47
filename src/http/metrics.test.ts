import { expect, test } from 'vitest';
import { countStored, createMetrics } from './metrics.ts';

test('what was stored is counted by connection, type, rule and outcome', async () => {
  const metrics = createMetrics();

  countStored(metrics, [{ on: ['alert.fired'] }], {
    events: [
      { connection: 'mon', type: 'alert.fired' },
      { connection: 'mon', type: 'ticket.created' },
    ],
    runs: [
      { ruleId: 'r', state: 'active', reason: null },
      { ruleId: 'r', state: 'ended', reason: 'suppressed: limit' },
    ],
    matchMs: 2,
  });
  const text = await metrics.registry.metrics();

  expect(text).toContain('deskhand_events_total{connection="mon",type="alert.fired"} 1');
  expect(text).toContain('deskhand_runs_total{rule="r",outcome="active"} 1');
  expect(text).toContain('deskhand_runs_total{rule="r",outcome="suppressed"} 1');
  expect(text).toContain('deskhand_match_seconds_count 1');
});

test('a sender cannot make labels of its own (input 113)', async () => {
  const metrics = createMetrics();
  const events = Array.from({ length: 1_000 }, (_, n) => ({ connection: 'mon', type: `made.up.${n}` }));

  countStored(metrics, [], { events, runs: [], matchMs: 1 });
  const lines = (await metrics.registry.metrics()).split('\n');

  expect(lines.filter((line) => line.startsWith('deskhand_events_total{'))).toEqual([
    'deskhand_events_total{connection="mon",type="other"} 1000',
  ]);
});
