import { systemClock } from '../clock.ts';
import type { Config } from '../config.ts';
import { messageOf } from '../errors.ts';
import type { Vendor, VendorIo } from '../vendors/vendor.ts';

/** What a connection's desk answered to one call that changes nothing. */
export interface OnlineCheck {
  readonly connection: string;
  readonly ok: boolean;
  /** The desk's refusal, null where it answered. */
  readonly problem: string | null;
  readonly findings: readonly string[];
}

const LONGEST_MS = 30_000;

/** Asks every configured desk once, all at the same time. Connections that only receive have nothing to ask. */
export async function checkOnline(config: Config): Promise<readonly OnlineCheck[]> {
  const asked = config.connections.map(({ name, vendor, settings }) => checkOne(name, vendor, settings));
  return (await Promise.all(asked)).filter((check) => check !== null);
}

async function checkOne(name: string, vendor: Vendor, settings: unknown): Promise<OnlineCheck | null> {
  const warnings: string[] = [];
  const adapter = vendor.connect?.(settings, offlineIo(name, warnings));
  if (adapter === undefined) return null;
  try {
    const signal = AbortSignal.timeout(LONGEST_MS);
    const { findings } = await adapter.selfTest({ lane: 'action', signal });
    return { connection: name, ok: true, problem: null, findings: [...warnings, ...findings] };
  } catch (error) {
    return { connection: name, ok: false, problem: messageOf(error), findings: warnings };
  } finally {
    await adapter.close();
  }
}

/** One call needs no shared budget, and no database to keep it in. */
function offlineIo(connection: string, warnings: string[]): VendorIo {
  return {
    connection,
    clock: systemClock,
    spend: () => Promise.resolve(),
    silence: (_, reason) => {
      warnings.push(reason);
      return Promise.resolve();
    },
    warn: (message) => warnings.push(message),
  };
}
