import { BlockList, isIP } from 'node:net';

/**
 * Which hosts and addresses `http.post` may reach. Nothing unless it is listed; what is not public only if the
 * address or its range is listed. Pure.
 */

export interface AllowList {
  /** Why an address written in a URL is refused; null: allowed. */
  refuseAddress(address: string, port: number): string | null;
  /** Why a name is refused before it is resolved; null: its addresses decide. */
  refuseName(name: string, port: number): string | null;
  /** Whether an allowed name may stand for this address. */
  mayResolveTo(address: string): boolean;
}

/** Not public: IANA special-purpose registries, carrier-grade NAT, link-local with the clouds' metadata services. */
const PRIVATE_V4 = [
  '0.0.0.0/8',
  '10.0.0.0/8',
  '100.64.0.0/10',
  '127.0.0.0/8',
  '169.254.0.0/16',
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24',
  '192.88.99.0/24',
  '192.168.0.0/16',
  '198.18.0.0/15',
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/3',
];

/** IPv6 that is local, or that carries an IPv4 address inside and so could reach one: NAT64, 6to4, Teredo. */
const PRIVATE_V6 = [
  '::/96',
  '64:ff9b::/96',
  '64:ff9b:1::/48',
  '100::/64',
  '2001::/32',
  '2001:db8::/32',
  '2002::/16',
  'fc00::/7',
  'fe80::/10',
  'fec0::/10',
  'ff00::/8',
];

/** Cloud metadata: credentials for everything. A range is not enough, the very address must be listed. */
const METADATA = ['169.254.169.254', '169.254.170.2', '100.100.100.200', '168.63.129.16', 'fd00:ec2::254'];

const DEFAULT_PORTS: readonly number[] = [80, 443];

interface Entry {
  /** Lower-case name, address or CIDR. */
  readonly target: string;
  readonly port: number | null;
  readonly nets: BlockList | null;
  /** The entry is one address, not a range. */
  readonly exact: boolean;
}

/** @throws TypeError naming the entry that is neither host, address nor CIDR, with optional port */
export function parseAllowList(allow: readonly string[]): AllowList {
  const entries = allow.map(parseEntry);
  const privateNets = netsOf([...PRIVATE_V4, ...PRIVATE_V6]);
  const metadata = new Set(METADATA.map(canonical));

  const portFits = (entry: Entry, port: number): boolean =>
    entry.port === null ? DEFAULT_PORTS.includes(port) : entry.port === port;
  const covering = (address: string): readonly Entry[] =>
    entries.filter(
      (entry) => entry.nets !== null && contains(entry.nets, address) && mayCover(entry, address),
    );
  const mayCover = (entry: Entry, address: string): boolean => entry.exact || !metadata.has(address);

  return {
    refuseAddress: (text, port) => {
      const address = canonical(text);
      const found = covering(address);
      if (found.length === 0) return `${address} is not in http.allow`;
      return found.some((entry) => portFits(entry, port)) ? null : portRefusal(address, port);
    },
    refuseName: (text, port) => {
      const name = text.toLowerCase();
      const found = entries.filter((entry) => entry.nets === null && entry.target === name);
      if (found.length === 0) return `${name.slice(0, 100)} is not in http.allow`;
      return found.some((entry) => portFits(entry, port)) ? null : portRefusal(name, port);
    },
    mayResolveTo: (text) => {
      const address = canonical(text);
      const open = !contains(privateNets, address) && !metadata.has(address);
      return open || covering(address).length > 0;
    },
  };
}

/** Why an entry of `http.allow` cannot be used; null when it can. For the configuration loader. */
export function checkAllowEntry(entry: string): string | null {
  try {
    parseEntry(entry);
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function portRefusal(host: string, port: number): string {
  return `port ${port} of ${host} is not in http.allow: list ${host.includes(':') ? `[${host}]` : host}:${port}`;
}

const ENTRY =
  /^(?:\[(?<v6>[0-9a-f:.]+)\]|(?<plain>[^\s/:[\]@?#]+)|(?<bare>[0-9a-f:.]*:[0-9a-f:.]*))(?:\/(?<bits>\d{1,3}))?(?::(?<port>\d{1,5}))?$/i;
const NAME = /^(?=.{1,253}$)[a-z0-9_](?:[a-z0-9_-]{0,62})(?:\.[a-z0-9_](?:[a-z0-9_-]{0,62}))*\.?$/i;

function parseEntry(text: string): Entry {
  const groups = ENTRY.exec(text.trim())?.groups;
  const host = groups?.['v6'] ?? groups?.['plain'] ?? groups?.['bare'] ?? '';
  const port = groups?.['port'] === undefined ? null : Number(groups['port']);
  const bad = new TypeError(`"${text}" is no host, host:port, address, address:port or CIDR`);
  if (host === '' || port === 0 || (port ?? 0) > 65_535) throw bad;
  const family = isIP(host);
  if (family === 0) {
    if (groups?.['bits'] !== undefined || !NAME.test(host) || /^[\d.]+$/.test(host)) throw bad;
    return { target: host.toLowerCase().replace(/\.$/, ''), port, nets: null, exact: true };
  }
  const bits = groups?.['bits'] === undefined ? null : Number(groups['bits']);
  if (bits !== null && bits > (family === 4 ? 32 : 128)) throw bad;
  const exact = bits === null || bits === (family === 4 ? 32 : 128);
  const address = exact ? canonical(host) : host;
  const length = exact ? (isIP(address) === 4 ? 32 : 128) : (bits ?? 0);
  return { target: address, port, nets: netsOf([`${address}/${length}`]), exact };
}

function netsOf(cidrs: readonly string[]): BlockList {
  const nets = new BlockList();
  for (const cidr of cidrs) {
    const [address = '', bits = ''] = cidr.split('/');
    nets.addSubnet(address, Number(bits), isIP(address) === 4 ? 'ipv4' : 'ipv6');
  }
  return nets;
}

/**
 * One spelling per address, and an IPv4 address mapped into IPv6 (`::ffff:127.0.0.1`) as what it is. Node's
 * BlockList does not do that for IPv6 rules.
 */
function canonical(address: string): string {
  if (isIP(address) !== 6) return address;
  const host = new URL(`http://[${address.replace(/%.*$/, '')}]/`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(host);
  if (mapped === null) return host;
  const high = Number.parseInt(mapped[1] ?? '0', 16);
  const low = Number.parseInt(mapped[2] ?? '0', 16);
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function contains(nets: BlockList, address: string): boolean {
  return nets.check(address, isIP(address) === 6 ? 'ipv6' : 'ipv4');
}
