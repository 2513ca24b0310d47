import { expect, test } from 'vitest';
import { onCallAt, onCallNow, type Rota } from './oncall.ts';

const at = (text: string): number => Date.parse(text);
const ROTA: Rota = {
  name: 'network',
  people: ['nora@acme.com', 'ali@acme.com'],
  rotate: 'weekly',
  fromLocalMs: at('2026-10-19T09:00Z'),
  timeZone: 'Europe/Berlin',
};

test('turns change at the same wall clock time, also over the end of summer time', () => {
  expect(onCallAt(ROTA, at('2026-10-19T07:00Z'))).toBe('nora@acme.com');
  expect(onCallAt(ROTA, at('2026-10-26T07:59Z'))).toBe('nora@acme.com');
  expect(onCallAt(ROTA, at('2026-10-26T08:00Z'))).toBe('ali@acme.com');
  expect(onCallAt(ROTA, at('2026-11-02T08:00Z'))).toBe('nora@acme.com');
});

test('before the rota begins nobody is on call', () => {
  expect(onCallAt(ROTA, at('2026-10-19T06:59Z'))).toBeNull();
  expect(onCallNow([ROTA], at('2026-10-19T06:59Z'))).toEqual({ network: '' });
});

test('a daily rota', () => {
  const daily: Rota = { ...ROTA, rotate: 'daily' };

  expect(onCallAt(daily, at('2026-10-20T06:59Z'))).toBe('nora@acme.com');
  expect(onCallAt(daily, at('2026-10-20T07:00Z'))).toBe('ali@acme.com');
});
