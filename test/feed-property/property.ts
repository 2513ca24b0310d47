import { sql } from 'kysely';
import type { Fault } from '../../src/demo/simulators/support/faults.ts';
import { seededRandom, type Random } from '../../src/demo/simulators/support/random.ts';
import type { DeskEvent } from '../../src/event.ts';
import type { Log } from '../../src/log.ts';
import { openDatabase, type Database } from '../../src/record/database.ts';
import { floorId } from '../../src/record/ids.ts';
import { publishRules } from '../../src/rules/publish.ts';
import type { ObservedTicket } from '../../src/ticket.ts';
import { PropertyClock } from './clock.ts';
import { Ledger } from './ledger.ts';
import { Killed } from './mortal.ts';
import { knownNames, startProcess, type IngestProcess } from './process.ts';
import type { Stage, StageDesk } from './stage.ts';

/**
 * The promise of the feeds, tried: people change a desk at random, also while its pages are read; Deskhand's process
 * is killed at random points and away for three hours once. Each change that a walk could see must be exactly one
 * event, and never may more calls be made than the vendor allows.
 */
export interface PropertyOptions {
  /** A migrated database of its own. */
  readonly databaseUrl: string;
  readonly changes: number;
  /** Tickets that are there before Deskhand is. */
  readonly tickets: number;
  readonly restarts: number;
  readonly seed: number;
  /** Between two rounds after the last change, ms: few tickets need few rounds. */
  readonly settleStepMs: number;
  readonly log: Log;
  readonly onProgress?: (line: string) => void;
}

export interface PropertyResult {
  readonly changes: number;
  readonly events: number;
  readonly missed: readonly string[];
  readonly twice: readonly string[];
  /** `feed.gap` events, and what happened in those gaps and was never shown. */
  readonly gaps: number;
  readonly lost: number;
  readonly restarts: number;
  readonly calls: number;
  readonly overBudget: number;
  readonly hours: number;
}

const SECOND_MS = 1_000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const START = Date.parse('2026-11-23T08:00:00Z');
const PAUSE_MS = 15 * SECOND_MS;
const OUTAGE_MS = 3 * HOUR_MS;
/** After the last change: this long, and twice as long as the slowest feed waits. */
const SETTLE_MS = HOUR_MS;
/** A baseline is what the desk's first answer shows; its call may have to wait for the budget. */
const FIRST_ANSWER_MS = 15 * SECOND_MS;
/** What one answer takes. */
const LATENCY_MS = { least: 20, range: 60 };
const FAULTS: readonly Fault[] = [
  { kind: 'bad_gateway' },
  { kind: 'reset_before' },
  { kind: 'reset_after' },
  { kind: 'cut_off' },
];

export async function runProperty(stage: Stage, options: PropertyOptions): Promise<PropertyResult> {
  const clock = await PropertyClock.install(options.databaseUrl, START);
  const database = openDatabase({ url: options.databaseUrl, poolSize: 4 });
  const random = seededRandom(options.seed);
  const desk = await stage.open(clock, { tickets: options.tickets, random: seededRandom(options.seed + 1) });
  const run = new PropertyRun({ stage, options, clock, database, desk, random });
  try {
    return await run.play();
  } finally {
    await run.close();
  }
}

interface RunParts {
  readonly stage: Stage;
  readonly options: PropertyOptions;
  readonly clock: PropertyClock;
  readonly database: Database;
  readonly desk: StageDesk;
  readonly random: Random;
}

class PropertyRun {
  readonly #parts: RunParts;
  readonly #ledger = new Ledger();
  readonly #walkedAt = new Map<string, number>();
  readonly #seen = new Set<string>();
  readonly #calls: number[] = [];
  #process: IngestProcess | null = null;
  #made = 0;
  #restarts = 0;
  #callCount = 0;
  #overBudget = 0;
  #lookedAt = START;
  #isHeld = false;
  #peopleWork = false;
  readonly #toldFindings = new Set<string>();

  constructor(parts: RunParts) {
    this.#parts = parts;
  }

  async play(): Promise<PropertyResult> {
    const { clock, desk, options, stage, database } = this.#parts;
    await clock.advance(HOUR_MS);
    for (const id of desk.tickets) {
      const look = desk.look(id);
      if (look !== null) this.#ledger.old(id, look);
    }
    await publishRules(database, [{ file: 'rules.yaml', text: stage.rule }], knownNames(stage), {
      when: 'changed',
      by: 'property',
    });
    desk.onRequest(() => this.#onRequest());
    await this.#start();
    this.#peopleWork = true;
    await this.#until(options.changes / 2);
    await this.#outage();
    await this.#until(options.changes);
    this.#peopleWork = false;
    await this.#settle();
    this.#tell();
    return this.#result();
  }

  async close(): Promise<void> {
    await this.#process?.close();
    await this.#parts.desk.close();
    await this.#parts.database.close();
    await this.#parts.clock.close();
  }

  async #start(): Promise<void> {
    const { stage, clock, database, desk, options } = this.#parts;
    this.#process = await startProcess({ stage, settings: desk.settings, database, clock, log: options.log });
  }

  /** A few seconds of an ordinary day, again and again. */
  async #until(changes: number): Promise<void> {
    const { random, options, clock, desk, stage } = this.#parts;
    const restartEvery = options.changes / (options.restarts + 1);
    while (this.#made < changes) {
      await clock.advance(1 + random.below(stage.pauseMs ?? PAUSE_MS));
      this.#people(random.below(4));
      if (this.#made > (this.#restarts + 1) * restartEvery) this.#process?.mortal.killAfter(random.below(60));
      if (random.next() < 0.01) desk.faults.next('*', random.pick(FAULTS));
      await this.#round();
    }
  }

  async #round(): Promise<void> {
    try {
      await this.#work();
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
      await this.#restart();
    }
  }

  async #work(): Promise<void> {
    const process = this.#process;
    if (process === null) return;
    await process.beat();
    while (await process.poll()) await this.#look();
    while (await process.refresh()) await this.#look();
  }

  async #restart(): Promise<void> {
    this.#restarts += 1;
    await this.#process?.close();
    await this.#start();
  }

  /** Deskhand is away, the people are not. */
  async #outage(): Promise<void> {
    const { clock, random, options } = this.#parts;
    await this.#process?.close();
    this.#process = null;
    const endAt = clock.now() + OUTAGE_MS;
    const every = OUTAGE_MS / (options.changes / 20);
    while (clock.now() < endAt) {
      await clock.advance(random.below(2 * every));
      this.#people(1);
    }
    await this.#start();
  }

  /** Nobody works any more; every feed is walked again, the nightly ones too. */
  async #settle(): Promise<void> {
    const { clock, desk, stage, options } = this.#parts;
    desk.faults.clear();
    const polls = stage.vendor.capabilities.feeds.map((feed) => stage.poll?.[feed.name] ?? feed.pollEveryMs);
    const endAt = clock.now() + SETTLE_MS + 2 * Math.max(...polls);
    while (clock.now() < endAt) {
      await clock.advance(options.settleStepMs);
      await this.#round();
    }
    await this.#look();
  }

  /** Changes at one and the same moment. */
  #people(count: number): void {
    const { desk, clock, random, options } = this.#parts;
    for (let one = 0; one < count && this.#made < options.changes; one++) {
      for (const made of [desk.change()].flat()) {
        this.#made += 1;
        this.#ledger.changed(made, clock.now(), desk.look(made.ticketId));
        if (random.next() < 0.1) void this.#nudge(made.ticketId);
        if (this.#made % 500 === 0) this.#tell();
      }
    }
  }

  /** The desk's own automation rules call, unless we are away; a killed process answers nobody. */
  async #nudge(ticketId: string): Promise<void> {
    try {
      await this.#process?.nudge(ticketId);
    } catch (error) {
      if (!(error instanceof Killed)) throw error;
    }
  }

  async #onRequest(): Promise<void> {
    const { clock, random, stage } = this.#parts;
    await clock.advance(LATENCY_MS.least + random.below(LATENCY_MS.range));
    const now = clock.now();
    this.#callCount += 1;
    this.#calls.push(now);
    while ((this.#calls[0] ?? now) <= now - stage.limit.perMs) this.#calls.shift();
    if (this.#calls.length > stage.limit.calls) this.#overBudget += 1;
    if (this.#peopleWork && random.next() < 0.25) this.#people(1 + random.below(2));
  }

  /** Takes the new events and judges the walks that have come to their end. */
  async #look(): Promise<void> {
    const { database, clock } = this.#parts;
    const since = floorId(this.#lookedAt - 10 * SECOND_MS);
    this.#lookedAt = clock.now();
    const { rows } = await sql<{ id: string; doc: DeskEvent; raw: Buffer | null }>`
      SELECT id, doc, raw FROM events WHERE id >= ${since} ORDER BY id`.execute(database.db);
    const fresh = rows.filter((row) => !this.#seen.has(row.id));
    const byRevision = fresh.toSorted((a, b) => revisionOf(a.doc) - revisionOf(b.doc));
    for (const { id, doc, raw } of byRevision) {
      this.#seen.add(id);
      const body: unknown = raw === null ? null : JSON.parse(raw.toString('utf8'));
      this.#ledger.take({ ...doc, body }, Date.parse(doc.observed_at));
    }
    await this.#judge();
  }

  async #judge(): Promise<void> {
    const { db } = this.#parts.database;
    const [feeds, nominations] = await Promise.all([
      db
        .selectFrom('feeds')
        .select(['feed', 'last_complete_at', 'baseline_at', 'baseline_done_at'])
        .execute(),
      db.selectFrom('nominations').select('ticket_id').execute(),
    ]);
    if (feeds.some((feed) => feed.baseline_done_at === null)) return;
    if (!this.#isHeld) await this.#hold();
    const nominated = new Set(nominations.map((row) => row.ticket_id));
    for (const { feed, last_complete_at: completeAt, baseline_at: baseline } of feeds) {
      const at = completeAt?.getTime() ?? 0;
      const baselineAt = (baseline?.getTime() ?? 0) + FIRST_ANSWER_MS;
      // Judged again while tickets of this walk wait to be read.
      if (this.#walkedAt.get(feed) === at) continue;
      if (nominated.size === 0) this.#walkedAt.set(feed, at);
      this.#ledger.judge({ feed, at, baselineAt, nominated });
    }
  }

  async #hold(): Promise<void> {
    this.#isHeld = true;
    const rows = await this.#parts.database.db
      .selectFrom('tickets')
      .select('snapshot')
      .where('revision', '>', 0)
      .execute();
    for (const { snapshot } of rows) this.#ledger.hold(snapshot as ObservedTicket);
  }

  #result(): PropertyResult {
    const { clock } = this.#parts;
    const { events, missed, twice, gaps, lost } = this.#ledger;
    return {
      changes: this.#made,
      events,
      missed,
      twice,
      gaps: gaps.length,
      lost,
      restarts: this.#restarts,
      calls: this.#callCount,
      overBudget: this.#overBudget,
      hours: Math.round((clock.now() - START) / HOUR_MS),
    };
  }

  #tell(): void {
    const { missed, twice, events } = this.#ledger;
    const { onProgress } = this.#parts.options;
    const findings = [...missed.map((what) => `missed: ${what}`), ...twice.map((what) => `wrong: ${what}`)];
    for (const finding of findings.filter((one) => !this.#toldFindings.has(one))) {
      this.#toldFindings.add(finding);
      onProgress?.(`  ${finding}`);
    }
    onProgress?.(
      `${this.#made} changes, ${events} events, missed ${missed.length}, twice ${twice.length}, ` +
        `restarts ${this.#restarts}, calls ${this.#callCount}, over budget ${this.#overBudget}`,
    );
  }
}

function revisionOf(event: DeskEvent): number {
  return event.ticket?.revision ?? 0;
}
