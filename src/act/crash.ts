/** Named places at which crash tests end the process. */
export const CRASH_POINTS = [
  'after_insert',
  'after_claim',
  'before_send',
  'after_send',
  'after_record',
  'after_cursor',
] as const;
export type CrashPointName = (typeof CRASH_POINTS)[number];

/** Called at each place; ends the process with SIGKILL at the configured one, the Nth time. */
export type CrashPoint = (name: CrashPointName) => void;

/**
 * @param setting `DESKHAND_CRASH_AT`: `after_send`, or `after_send:3` for the third time; undefined: never
 * @throws Error for a name that is no crash point
 */
export function createCrashPoint(setting: string | undefined): CrashPoint {
  if (setting === undefined || setting === '') return () => undefined;
  const [name, count] = setting.split(':');
  if (!(CRASH_POINTS as readonly (string | undefined)[]).includes(name)) {
    throw new Error(`DESKHAND_CRASH_AT=${setting} names no crash point; known: ${CRASH_POINTS.join(', ')}`);
  }
  let left = count === undefined ? 1 : Number(count);
  return (at) => {
    if (at !== name) return;
    left -= 1;
    if (left <= 0) process.kill(process.pid, 'SIGKILL');
  };
}
