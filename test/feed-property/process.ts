import { openConnection, type Connection } from '../../src/connections.ts';
import { pollOnce, type PollDeps } from '../../src/ingest/poll.ts';
import { refreshOnce } from '../../src/ingest/refresh.ts';
import { joinInstances, type Instance } from '../../src/instance.ts';
import type { Log } from '../../src/log.ts';
import type { KnownNames } from '../../src/match/load.ts';
import type { Database } from '../../src/record/database.ts';
import { createIdSource } from '../../src/record/ids.ts';
import { nominate } from '../../src/record/nominations.ts';
import { openStandingSession, type StandingSession } from '../../src/record/standing-session.ts';
import { createActiveRules } from '../../src/rules/active.ts';
import type { PropertyClock } from './clock.ts';
import { mortal, type Mortal } from './mortal.ts';
import type { Stage } from './stage.ts';

/** Deskhand's ingest as one process runs it, with nothing but the rounds of its loops. */
export interface IngestProcess {
  readonly mortal: Mortal;
  /** One walk of a due feed. @returns false if none was due */
  poll(): Promise<boolean>;
  /** Reads the nominated tickets that are due. @returns false if there were none */
  refresh(): Promise<boolean>;
  /** Heartbeat; takes over what dead processes hold. */
  beat(): Promise<void>;
  /** A hook that named this ticket was acknowledged. */
  nudge(ticketId: string): Promise<void>;
  close(): Promise<void>;
}

export interface ProcessOptions {
  readonly stage: Stage;
  readonly settings: unknown;
  readonly database: Database;
  readonly clock: PropertyClock;
  readonly log: Log;
}

const CONNECTION = 'acme';
const NUDGE_AFTER_MS = 2_000;

export async function startProcess(options: ProcessOptions): Promise<IngestProcess> {
  const { stage, clock, log } = options;
  const life = mortal(options.database);
  const { database } = life;
  const connection = await openConnection(
    {
      name: CONNECTION,
      vendor: stage.vendor,
      settings: stage.vendor.settings.parse(options.settings),
      settleMs: 1_000,
      reference: 'auto',
      lateAfterMs: 15 * 60_000,
      poll: stage.poll ?? null,
      budget: null,
    },
    { database, clock, log },
  );
  const newId = createIdSource(() => clock.now());
  const instanceId = newId();
  const session = await openStandingSession(database, log);
  const instance: Instance = await joinInstances(instanceId, {
    database,
    session,
    clock,
    log,
    name: 'property',
    alone: false,
  });
  const active = createActiveRules(database, { lists: {}, locales: {}, workingMs: null });
  const deps: PollDeps = {
    database,
    store: { active, newId, now: () => clock.now() },
    instanceId,
    log,
    onRuns: () => undefined,
    crash: () => undefined,
  };
  return rounds({ connection, instance, session, deps, life });
}

/** What rules may name. */
export function knownNames(stage: Stage): KnownNames {
  const { id, name, capabilities } = stage.vendor;
  const connections = { [CONNECTION]: { vendor: id, vendorName: name, actions: capabilities.actions } };
  return { connections, lists: [], calendars: [], environment: [], oncall: [] };
}

interface Parts {
  readonly connection: Connection;
  readonly instance: Instance;
  readonly session: StandingSession;
  readonly deps: PollDeps;
  readonly life: Mortal;
}

function rounds({ connection, instance, session, deps, life }: Parts): IngestProcess {
  const never = new AbortController().signal;
  return {
    mortal: life,
    poll: () => pollOnce(connection, deps, never),
    refresh: async () => (await refreshOnce(connection, deps, never)) > 0,
    async beat() {
      await instance.beat();
      await instance.takeOver();
    },
    nudge: (ticketId) =>
      deps.database.transaction((tx) =>
        nominate(tx, [{ connectionId: connection.id, ticketId, via: 'webhook' }], NUDGE_AFTER_MS),
      ),
    async close() {
      await session.close();
      await connection.adapter?.close();
    },
  };
}
