import { expect, test } from 'vitest';
import { createRedact, excerpt } from './redact.ts';

const redact = createRedact(['s3cr&t/=', 'user:s3cr&t/=']);

test.each([
  ['token s3cr&t/= was bad', 'token *** was bad'],
  [`Basic ${Buffer.from('user:s3cr&t/=').toString('base64')}`, 'Basic ***'],
  ['got Basic bm9ib2R5OmtuZXcx, Bearer abc1', 'got Basic ***, Bearer ***'],
  ['Basic questions', 'Basic questions'],
  ['?token=s3cr%26t%2F%3D', '?token=***'],
  ['https://desk.test/api/Tickets?token=abc#x failed', 'https://desk.test/api/Tickets failed'],
  ['see http://nora:pw@desk.test/a', 'see http://desk.test/a'],
  ['nothing to hide', 'nothing to hide'],
])('%j becomes %j', (text, expected) => {
  expect(redact(text)).toBe(expected);
});

test('an empty or tiny secret does not blank out everything', () => {
  expect(createRedact(['', 'a'])('a text')).toBe('a text');
});

test('a foreign text is one short printable line', () => {
  expect(excerpt('a\r\n{"level":60}\u001b[31m\u202eb', redact)).toBe('a {"level":60} [31m b');
  expect(excerpt('x'.repeat(5000), redact)).toHaveLength(301);
});
