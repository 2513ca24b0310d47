import { bossdesk } from './bossdesk/index.ts';
import { gotoassist } from './gotoassist/index.ts';
import { invgate } from './invgate/index.ts';
import { jitbit } from './jitbit/index.ts';
import type { Vendor } from './vendor.ts';
import { webhook } from './webhook/index.ts';

/** Every vendor that a connection may name. The only file that knows the vendors' folders. */
export const vendors = { bossdesk, gotoassist, invgate, jitbit, webhook } satisfies Readonly<
  Record<string, Vendor>
>;

export type VendorId = keyof typeof vendors;

/** The vendor of that id, or undefined. */
export function vendorById(id: string): Vendor | undefined {
  return Object.hasOwn(vendors, id) ? vendors[id as VendorId] : undefined;
}
