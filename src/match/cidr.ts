/** Addresses and nets, IPv4 and IPv6, without `node:net`: this folder does no I/O, not even by import. */

/** A net as the bits that must be equal. */
export interface Net {
  readonly bits: bigint;
  readonly prefix: number;
  readonly width: 32 | 128;
}

interface Address {
  readonly bits: bigint;
  readonly width: 32 | 128;
}

/** `10.0.0.0/8`, `2001:db8::/32`, or a single address; null for anything else. */
export function parseNet(text: string): Net | null {
  const [host, prefix, ...rest] = text.split('/');
  const address = parseAddress(host ?? '');
  if (address === null || rest.length > 0 || (prefix !== undefined && !/^\d{1,3}$/.test(prefix))) return null;
  const length = prefix === undefined ? address.width : Number(prefix);
  if (length > address.width) return null;
  return { bits: address.bits >> BigInt(address.width - length), prefix: length, width: address.width };
}

/** True if the text is an address in one of the nets. `::ffff:10.0.0.1` counts as `10.0.0.1`. */
export function isInNets(text: string, nets: readonly Net[]): boolean {
  const address = parseAddress(text.trim());
  if (address === null) return false;
  return nets.some(
    (net) => net.width === address.width && address.bits >> BigInt(net.width - net.prefix) === net.bits,
  );
}

function parseAddress(text: string): Address | null {
  if (text.length > 45) return null;
  const v4 = parseV4(text);
  if (v4 !== null) return { bits: v4, width: 32 };
  const v6 = parseV6(text);
  if (v6 === null) return null;
  return v6 >> 32n === 0xffffn ? { bits: v6 & 0xffffffffn, width: 32 } : { bits: v6, width: 128 };
}

function parseV4(text: string): bigint | null {
  const parts = text.split('.');
  if (parts.length !== 4) return null;
  let bits = 0n;
  for (const part of parts) {
    if (!/^(0|[1-9]\d{0,2})$/.test(part) || Number(part) > 255) return null;
    bits = (bits << 8n) | BigInt(part);
  }
  return bits;
}

function parseV6(text: string): bigint | null {
  const sides = text.split('::');
  if (sides.length > 2) return null;
  const head = words(sides[0] ?? '');
  const tail = sides.length === 2 ? words(sides[1] ?? '') : [];
  if (head === null || tail === null) return null;
  const missing = 8 - head.length - tail.length;
  if (sides.length === 2 ? missing < 1 : missing !== 0) return null;
  const all = [...head, ...Array.from({ length: missing }, () => 0), ...tail];
  return all.reduce((bits, word) => (bits << 16n) | BigInt(word), 0n);
}

/** The 16-bit words of one side of `::`; its last part may be a dotted IPv4 address. */
function words(side: string): number[] | null {
  if (side === '') return [];
  const result: number[] = [];
  const parts = side.split(':');
  for (const [index, part] of parts.entries()) {
    const v4 = index === parts.length - 1 ? parseV4(part) : null;
    if (v4 !== null) result.push(Number(v4 >> 16n), Number(v4 & 0xffffn));
    else if (/^[0-9a-f]{1,4}$/i.test(part)) result.push(Number.parseInt(part, 16));
    else return null;
  }
  return result;
}
