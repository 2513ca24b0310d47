import type { VendorIo } from '../vendor.ts';
import { createDateParser, type DateParser } from './dates.ts';

/** Distinct invalid dates that are reported per process. */
const MAX_WARNED = 20;

/** The date parser of a connection; a text that is no date is none, and is reported once. */
export function createWarnedDates(io: VendorIo, timeZone: string | undefined): DateParser {
  const warned = new Set<string>();
  return createDateParser({
    timeZone,
    onInvalid: (value) => {
      const text = String(value).slice(0, 40);
      if (warned.has(text) || warned.size >= MAX_WARNED) return;
      warned.add(text);
      io.warn('a date from the desk is not one: taken as none', { value: text });
    },
  });
}
