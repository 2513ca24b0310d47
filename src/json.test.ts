import fc from 'fast-check';
import { expect, test } from 'vitest';
import { JsonError, parseJson } from './json.ts';

test.each([
  ['{"id":9007199254740993}', { id: '9007199254740993' }],
  ['[-12345678901234567890]', ['-12345678901234567890']],
  ['{"id":1234567890123456}', { id: '1234567890123456' }],
  ['{"id":123456789012345}', { id: 123456789012345 }],
  ['{"a":0.1234567890123456,"b":-1234567890123456.5}', { a: 0.1234567890123456, b: -1234567890123456.5 }],
  ['{"a":1234567890123456e2}', { a: 1234567890123456e2 }],
  [
    '{"s":"1234567890123456789","t":"\\"99999999999999999999"}',
    { s: '1234567890123456789', t: '"99999999999999999999' },
  ],
  ['"\\\\" ', '\\'],
])('%s keeps long integers as text', (text, expected) => {
  expect(parseJson(text)).toEqual(expected);
});

test('sixty-four levels are read, sixty-five are not', () => {
  expect(() => parseJson(`${'['.repeat(64)}${']'.repeat(64)}`)).not.toThrow();
  expect(() => parseJson(`${'['.repeat(65)}${']'.repeat(65)}`)).toThrow(JsonError);
  expect(() => parseJson(`{"a":"${'['.repeat(500)}"}`)).not.toThrow();
});

test.each(['', '{', '[1,]', 'undefined', '{"a":1234567890123456', '"\\'])('%j is refused', (text) => {
  expect(() => parseJson(text)).toThrow(JsonError);
});

test('JSON without long integers is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), (value) => {
      const text = JSON.stringify(value);
      fc.pre(!/\d{16,}/.test(text));

      expect(parseJson(text)).toEqual(JSON.parse(text));
    }),
    { numRuns: 300 },
  );
});
