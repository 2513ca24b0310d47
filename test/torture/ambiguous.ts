import { startJitbitDesk, type JitbitDesk } from '../../src/demo/simulators/jitbit/jitbit-desk.ts';
import type { Call } from '../../src/demo/simulators/support/calls.ts';
import type { Fault } from '../../src/demo/simulators/support/faults.ts';
import { createStage, until, type Stage } from './stage.ts';
import type { Verdict } from './verdict.ts';

export interface AmbiguousOptions {
  readonly databaseUrl: string;
  readonly ticketsPerKind: number;
}

/** What happens to the first call of each ticket's step, and what a person does to the ticket right after it. */
interface Kind {
  readonly name: string;
  readonly call: 'comment' | 'updateticket';
  readonly fault: Fault;
  readonly person?: (desk: JitbitDesk, id: number) => void;
  /** True where the value that counts at the end is the person's. */
  readonly kept?: (desk: JitbitDesk, id: number) => boolean;
}

const NORA = 2;
const toNora = (desk: JitbitDesk, id: number): void => desk.human.assign(id, 'nora@acme.com');
const withNora = (desk: JitbitDesk, id: number): boolean => desk.ticket(id).assignedToUserId === NORA;
const close = (desk: JitbitDesk, id: number): void => desk.human.close(id);
const isClosed = (desk: JitbitDesk, id: number): boolean => desk.ticket(id).statusId === 3;

const KINDS: readonly Kind[] = [
  { name: 'comment dropped', call: 'comment', fault: { kind: 'reset_after' } },
  { name: 'comment unsent', call: 'comment', fault: { kind: 'reset_before' } },
  { name: 'comment late', call: 'comment', fault: { kind: 'hang', applied: true } },
  {
    name: 'reassign dropped',
    call: 'updateticket',
    fault: { kind: 'reset_after' },
    person: toNora,
    kept: withNora,
  },
  {
    name: 'reassign unsent',
    call: 'updateticket',
    fault: { kind: 'reset_before' },
    person: toNora,
    kept: withNora,
  },
  {
    name: 'status dropped',
    call: 'updateticket',
    fault: { kind: 'reset_after' },
    person: close,
    kept: isClosed,
  },
  {
    name: 'status unsent',
    call: 'updateticket',
    fault: { kind: 'reset_before' },
    person: close,
    kept: isClosed,
  },
];

/**
 * The ambiguous window (R3): the desk takes a call, or does not, and the answer is lost or never comes. No comment
 * may stand twice, and no value may be written over what a person has set meanwhile.
 */
export async function ambiguousScenario(options: AmbiguousOptions): Promise<Verdict> {
  const desk = await startJitbitDesk({ rateLimit: 'off' });
  const stage = await createStage({
    databaseUrl: options.databaseUrl,
    config: config(desk),
    rules: RULES,
  });
  try {
    await stage.baseline();
    await stage.start();
    const made = new Map<Kind, readonly number[]>();
    for (const kind of KINDS) made.set(kind, await oneKind(stage, desk, kind, options.ticketsPerKind));
    return judge(desk, made, await stage.query("SELECT 1 FROM steps WHERE state IN ('uncertain', 'dead')"));
  } finally {
    await stage.close();
    await desk.close();
  }
}

async function oneKind(
  stage: Stage,
  desk: JitbitDesk,
  kind: Kind,
  count: number,
): Promise<readonly number[]> {
  const met = new Set<string>();
  const meets = (call: Call): boolean => {
    const id = call.params.get('id') ?? '';
    if (call.method !== 'POST' || call.name !== kind.call || met.has(id)) return false;
    met.add(id);
    // Right after the desk has dealt with the call, before anybody looks.
    setImmediate(() => kind.person?.(desk, Number(id)));
    return true;
  };
  const end = desk.faults.always(meets, kind.fault);
  const ids = Array.from({ length: count }, (_, index) =>
    desk.human.create({ subject: `${kind.name} ${index}`, category: 'Network' }),
  );
  await until(`all tickets of ${kind.name} are decided`, 600_000, async () => {
    const open = await stage.query<{ decided: number }>(
      `SELECT count(DISTINCT r.ticket_id)::int AS decided FROM runs r
        WHERE r.ticket_id = ANY($1) AND r.state IN ('done', 'ended')`,
      [ids.map(String)],
    );
    return open[0]?.decided === count;
  });
  end();
  return ids;
}

function judge(
  desk: JitbitDesk,
  made: ReadonlyMap<Kind, readonly number[]>,
  inDoubt: readonly object[],
): Verdict {
  const writes = (id: number, call: string): number =>
    desk.calls.named(`POST ${call}`).filter((one) => one.params.get('id') === String(id) && one.handled)
      .length;
  const counts = [...made].map(([kind, ids]) => {
    const comments = ids.map((id) => desk.comments(id).length);
    const overwritten = ids.filter((id) => kind.kept?.(desk, id) === false);
    const repeated = ids.filter((id) => kind.kept !== undefined && writes(id, kind.call) > 1);
    const commented = kind.call === 'comment';
    return {
      lost: commented ? comments.filter((count) => count === 0).length : 0,
      twice: commented
        ? comments.filter((count) => count > 1).length
        : new Set([...overwritten, ...repeated]).size,
    };
  });
  const total = (key: 'lost' | 'twice'): number => counts.reduce((sum, count) => sum + count[key], 0);
  const tickets = [...made.values()].flat();
  return {
    scenario: 'answers lost and late',
    killed: tickets.length,
    acknowledged: tickets.length,
    lost: total('lost'),
    twice: total('twice'),
    missed: [],
    note: `${[...made.keys()].map((kind) => kind.name).join(', ')}; ${inDoubt.length} steps uncertain or dead`,
  };
}

function config(desk: JitbitDesk): string {
  return `
connections:
  desk: { vendor: jitbit, url: "${desk.url}", token: "${desk.token}", poll: { tickets: 1s, reconcile: 1w }, settle: 2s, rate: 100000/m }
`;
}

const RULES = `
id: say
name: Say something
on: [ticket.created]
when: { title: { starts_with: comment } }
then: [{ comment: { text: "Taken: {{ ticket.title }}" } }]
---
id: take
name: Take it
on: [ticket.created]
when: { title: { starts_with: reassign } }
then: [{ reassign: { agent: ali@acme.com } }]
---
id: begin
name: Begin it
on: [ticket.created]
when: { title: { starts_with: status } }
then: [{ set: { status: In process } }]
`;
