import { expect, test } from 'vitest';
import type { Ticket } from '../ticket.ts';
import { likenessOf } from './likeness.ts';

const of = (title: string | null, level: 'high' | 'low' | null = 'high'): string | null => {
  const priority: Ticket['priority'] = level === null ? null : { id: '1', name: level, level };
  return likenessOf({ title, priority });
};

test.each([
  ['Disk 93% full on web-01', 'DISK 97 % full on web-02!'],
  ['Core router answers no pings (10.0.0.1)', 'Core router answers no pings (10.0.0.254)'],
  ['İstanbul yazıcı çalışmıyor', 'istanbul YAZICI çalışmıyor'],
  ['Order A4711: payment failed', 'Order B0815: payment failed'],
])('"%s" resembles "%s"', (one, other) => {
  expect(of(one)).toBe(of(other));
  expect(of(one)).not.toBeNull();
});

test.each([
  ['Disk full on web-01', 'Disk full on db-01'],
  ['Printer of Izmir is out of paper', 'Printer of Bursa is out of paper'],
])('"%s" does not resemble "%s"', (one, other) => {
  expect(of(one)).not.toBe(of(other));
});

test('another priority is other news', () => {
  expect(of('Disk is full', 'high')).not.toBe(of('Disk is full', 'low'));
});

test.each([null, '', 'Help', '4711', 'Help 4711', '!!! ???'])('%j resembles nothing', (title) => {
  expect(of(title)).toBeNull();
});

test('a title of 50,000 characters gives a short key', () => {
  expect(of('many words '.repeat(5_000))?.length).toBeLessThan(250);
});
