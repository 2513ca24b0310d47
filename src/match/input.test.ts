import { expect, test } from 'vitest';
import { presentTicket } from '../ticket.ts';
import { readEventInput } from './input.ts';

test('bare names stand for named things, persons and priorities', () => {
  const { event, problems } = readEventInput({
    type: 'ticket.created',
    ticket: {
      id: 7,
      status: 'Open',
      priority: 'High',
      requester: 'ceo@acme.com',
      assignee: 'Nora',
      custom: { tier: 'gold' },
      'custom.n': 5,
    },
    changes: { priority: { from: 'Normal', to: 'high' } },
  });

  expect(problems).toEqual([]);
  expect(event.ticket).toEqual({
    id: '7',
    status: { id: null, name: 'Open' },
    priority: { id: null, name: null, level: 'high' },
    requester: { id: null, name: null, email: 'ceo@acme.com', kind: 'unknown' },
    assignee: { id: null, name: 'Nora', email: null, kind: 'unknown' },
    custom: { tier: { id: 'tier', name: 'tier', value: 'gold' }, n: { id: 'n', name: 'n', value: 5 } },
  });
  expect(event.changes).toEqual({ priority: { from: 'normal', to: 'high', by: 'unknown' } });
  expect(event.ticket_id).toBe('7');
});

test('the full form comes out as it went in', () => {
  const { ticket } = presentTicket(
    {
      id: '1042',
      title: 'x',
      priority: { id: '1', name: 'High', level: 'high' },
      sla: { response_due_at: null, resolution_due_at: null, state: 'ok' },
    },
    { acknowledged: false, snoozed: false, revision: 3 },
  );
  const full = {
    key: 'updated:1042:3', type: 'ticket.updated', connection: 'acme', vendor: 'jitbit', ticket_id: '1042', occurred_at: null,
    observed_at: '2026-11-22T07:00:41.120Z', late: false, replay: false, via: 'feed', feed: 'tickets', own: false, unknown: ['tags'],
    actor: null, aspects: ['priority'], changes: { title: { from: 'a', to: 'x', by: 'agent' } },
    comment: { id: '1', at: null, author: null, text: 'hi', public: null, system: false, solution: false },
    trigger: { id: '11', name: 'SLA', execution_id: '901', executed_at: null }, ticket, body: { any: ['thing'] },
  }; // prettier-ignore

  expect(readEventInput(JSON.parse(JSON.stringify(full)))).toMatchObject({ event: full, problems: [] });
});

test('every unknown field and wrong shape is reported with its path', () => {
  const { problems } = readEventInput({
    tpye: 'x',
    ticket: { titel: 1, tags: 'a', requester: { mail: 'x' } },
    changes: { titel: {}, title: 5 },
    comment: { txt: 'x' },
  });

  expect(problems.map(({ path }) => path.join('.'))).toEqual([
    'tpye',
    'ticket.titel',
    'ticket.tags',
    'ticket.requester.mail',
    'changes.titel',
    'changes.title',
    'comment.txt',
  ]);
});

test.each([null, 5, 'x', []])('%j is no event', (json) => {
  expect(readEventInput(json).problems).toHaveLength(1);
});

test('it tells what was left out, so that a caller can fill it', () => {
  expect(readEventInput({ type: 'x', key: 'k' }).absent).toEqual(
    new Set([
      'connection',
      'vendor',
      'ticket_id',
      'occurred_at',
      'observed_at',
      'late',
      'replay',
      'via',
      'feed',
      'own',
      'unknown',
      'actor',
      'aspects',
      'changes',
      'comment',
      'trigger',
      'ticket',
      'body',
    ]),
  );
});
