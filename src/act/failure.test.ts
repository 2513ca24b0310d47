import { expect, test } from 'vitest';
import { VendorError, type VendorReason } from '../errors.ts';
import { judgeError } from './failure.ts';

test.each<[VendorReason, { retryAt?: number; notApplied?: boolean }, string]>([
  ['timeout', {}, 'timeout'],
  ['timeout', { notApplied: true }, 'unreachable'],
  ['timeout', { retryAt: 1 }, 'unreachable'],
  ['vendor_fault', {}, 'vendor_fault'],
  ['vendor_fault', { notApplied: true }, 'vendor_fault'],
  ['vendor_fault', { retryAt: 1 }, 'unreachable'],
  ['unreadable', { retryAt: 1 }, 'unreadable'],
])('%s %j of a desk is taken for %s: a desk that is away uses no attempt', (reason, more, taken) => {
  const judged = judgeError(new VendorError('said so', { reason, vendor: 'x', connection: 'acme', ...more }));

  expect(judged).toMatchObject({ reason: taken, notApplied: more.notApplied ?? false });
});
