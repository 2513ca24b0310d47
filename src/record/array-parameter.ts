/**
 * Arrays as parameters, in the binary form that PostgreSQL itself sends and receives (`array_recv`). As text, every
 * quote of a document would be escaped and every byte of a body written as two: a third of all that intake allocates.
 */

const BYTEA = 17;
const JSONB = 3802;
/** Precedes every jsonb value; 1 is the only version there is (`jsonb_recv`). */
const JSONB_VERSION = 1;
const NULL_LENGTH = -1;
/** Dimensions, whether there are nulls, element type, length, first index: four bytes each. */
const HEAD = 20;
const EMPTY_HEAD = 12;

/** A `bytea[]`. */
export function byteaArray(values: readonly (Buffer | null)[]): Buffer {
  return binaryArray(
    BYTEA,
    values,
    (value) => value.length,
    (value, into, at) => void value.copy(into, at),
  );
}

/** A `jsonb[]`. @param values JSON that PostgreSQL takes (`toJsonb`) */
export function jsonbArray(values: readonly (string | null)[]): Buffer {
  return binaryArray(
    JSONB,
    values,
    (value) => 1 + Buffer.byteLength(value),
    (value, into, at) => {
      into[at] = JSONB_VERSION;
      into.write(value, at + 1);
    },
  );
}

function binaryArray<Value>(
  type: number,
  values: readonly (Value | null)[],
  lengthOf: (value: Value) => number,
  write: (value: Value, into: Buffer, at: number) => void,
): Buffer {
  const lengths = values.map((value) => (value === null ? NULL_LENGTH : lengthOf(value)));
  const bytes = lengths.reduce((sum, length) => sum + 4 + Math.max(0, length), 0);
  const array = Buffer.allocUnsafe(values.length === 0 ? EMPTY_HEAD : HEAD + bytes);
  array.writeInt32BE(values.length === 0 ? 0 : 1, 0);
  array.writeInt32BE(lengths.includes(NULL_LENGTH) ? 1 : 0, 4);
  array.writeInt32BE(type, 8);
  if (values.length === 0) return array;
  array.writeInt32BE(values.length, 12);
  array.writeInt32BE(1, 16);
  let at = HEAD;
  for (const [index, value] of values.entries()) {
    const length = lengths[index] ?? NULL_LENGTH;
    array.writeInt32BE(length, at);
    if (value !== null) write(value, array, at + 4);
    at += 4 + Math.max(0, length);
  }
  return array;
}
