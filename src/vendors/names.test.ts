import { expect, test } from 'vitest';
import { describeMiss, foldName, nearestNames } from './names.ts';

test.each([
  ['ŞİKAYET', 'şikayet'],
  ['Iğdır', 'ığdir'],
  ['Ｎｅｔｗｏｒｋ　L2', 'network l2'],
  ['  two\t spaces ', 'two spaces'],
])('%j and %j are the same name', (a, b) => {
  expect(foldName(a)).toBe(foldName(b));
});

test('names that differ are not the same', () => {
  expect(foldName('Network L1')).not.toBe(foldName('Network L2'));
});

test.each([
  ['Netwrok', ['Network', 'Printer', 'Network L2'], ['Network']],
  ['printer', ['Printer room', 'Printer'], ['Printer', 'Printer room']],
  ['zzzzzz', ['Network', 'Printer'], []],
  ['', ['Network'], []],
])('near %j among %j: %j', (wanted, known, expected) => {
  expect(nearestNames(wanted, known)).toEqual(expected);
});

test('a miss names what was looked for and what there is', () => {
  expect(describeMiss('queue', 'x'.repeat(500), [])).toBe(`no queue "${'x'.repeat(100)}"; none is known`);
  expect(describeMiss('queue', 'Quux', ['A', 'B'])).toBe('no queue "Quux"; known: A, B');
  expect(describeMiss('queue', 'Quux', ['A', 'B', 'C', 'D', 'E', 'F'])).toBe(
    'no queue "Quux"; known: A, B, C, D, E, … (6)',
  );
});
