import { hash, randomFillSync } from 'node:crypto';

/**
 * Ids of our own rows are UUIDv7: made by the process before the insert (so that after an unknown commit it can
 * recognise its own rows) and ordered by time (so that pages and indexes follow the order of events).
 */
export type IdSource = () => string;

const SEQUENCE_BITS = 12;
const POOL_BYTES = 8 * 512;

/**
 * Makes a source of UUIDv7 ids that never run backwards within the process, even if its clock does.
 *
 * @param now wall clock in epoch milliseconds
 */
export function createIdSource(now: () => number): IdSource {
  const pool = Buffer.alloc(POOL_BYTES);
  let offset = POOL_BYTES;
  let lastMs = 0;
  let sequence = 0;

  return () => {
    const ms = now();
    if (ms > lastMs) {
      lastMs = ms;
      sequence = 0;
    } else if (++sequence >> SEQUENCE_BITS !== 0) {
      lastMs += 1;
      sequence = 0;
    }
    if (offset === POOL_BYTES) {
      randomFillSync(pool);
      offset = 0;
    }
    const random = pool.toString('hex', offset, offset + 8);
    offset += 8;
    const time = lastMs.toString(16).padStart(12, '0');
    const counter = sequence.toString(16).padStart(3, '0');
    const variant = ((Number.parseInt(random[0] ?? '0', 16) & 0x3) | 0x8).toString(16);
    return `${time.slice(0, 8)}-${time.slice(8)}-7${counter}-${variant}${random.slice(1, 4)}-${random.slice(4)}`;
  };
}

/** Milliseconds since the epoch at which a UUIDv7 was made. */
export function timeOfId(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/** The 16 bytes under which a key of an event or a delivery is remembered; long keys cost no more than short ones. */
export function hashKey(key: string): Buffer {
  return Buffer.from(hash('sha256', key, 'hex').slice(0, 32), 'hex');
}

/** The lane of a ticket: the same on every instance without asking the database. */
export function ticketLane(connectionId: number, ticketId: string): string {
  const hex = hash('sha256', `${connectionId}\n${ticketId}`, 'hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** The smallest UUIDv7 of a moment: a bound for ids made before or after it. */
export function floorId(ms: number): string {
  const time = Math.max(0, Math.floor(ms)).toString(16).padStart(12, '0');
  return `${time.slice(0, 8)}-${time.slice(8)}-7000-8000-000000000000`;
}
