import { expect, test } from 'vitest';
import { ticketIdsIn } from './nudge.ts';

test.each([
  ['the recommended template', '{"ticketId":"1042","hook":"created"}', ['1042']],
  ['a number', '{"ticketId": 1042}', ['1042']],
  ['JSON that a quote in the subject broke', '{"subject":"the "new" one","ticketId":"1042"}', ['1042']],
  ['a form', 'hook=created&ticketId=1042&x=1', ['1042']],
  ['a form with encoded quotes', 'ticketid=%221042%22', ['1042']],
  ['key: value lines', 'Ticket_ID: #1042\r\nhook: created', ['1042']],
  ['an id beyond 2^53', '{"ticketId":"9007199254740993"}', ['9007199254740993']],
  ['leading zeros', 'ticketId=007', ['7']],
  ['the same ticket twice', 'ticketId=5&ticketId=5&ticketid=6', ['5', '6']],
  ['a mask that was not filled in', '{"ticketId":"#ticketId#"}', []],
  ['words', '{"ticketId":"abc"}', []],
  ['another id', '{"userId":"1042"}', []],
  ['zero', 'ticketId=0', []],
  ['twenty digits', 'ticketId=12345678901234567890', []],
  ['nothing', '', []],
])('%s', (_, text, expected) => {
  expect(ticketIdsIn({ contentType: 'text/plain', bytes: Buffer.from(text), text })).toEqual(expected);
});

test('one body names at most twenty tickets', () => {
  const text = Array.from({ length: 50 }, (_, index) => `ticketId=${index + 1}`).join('&');

  expect(ticketIdsIn({ contentType: 'text/plain', bytes: Buffer.from(text), text })).toHaveLength(20);
});
