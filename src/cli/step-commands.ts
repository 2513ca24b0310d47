import { decideStep, type StepDecision } from '../operate/steps.ts';
import type { Db } from '../record/database.ts';
import { listSteps, type ShownStep } from '../record/operate/runs.ts';
import { usageError, type Arguments } from './arguments.ts';
import type { Operator } from './operator.ts';
import { formatTable } from './table.ts';

/** More than anybody reads. */
const SHOWN = 10_000;
const PAGE = 1_000;

/** Every step of a state, newest first. */
export async function readAll(db: Db, state: 'dead' | 'uncertain'): Promise<readonly ShownStep[]> {
  const steps: ShownStep[] = [];
  let after: string | null = null;
  do {
    const page: Awaited<ReturnType<typeof listSteps>> = await listSteps(
      db,
      { state },
      { limit: PAGE, after },
    );
    steps.push(...page.items);
    after = page.next;
  } while (after !== null && steps.length < SHOWN);
  return steps;
}

/** Prints steps that wait for a person. */
export function printSteps(steps: readonly ShownStep[], given: Arguments, none: string): number {
  if (given.flag('json')) console.log(JSON.stringify(steps));
  else if (steps.length === 0) console.log(none);
  else
    console.log(
      formatTable(steps, [
        { title: 'STEP', of: (step) => step.id },
        { title: 'RULE', of: (step) => step.rule },
        { title: 'TICKET', of: (step) => `${step.connection} ${step.ticket_id ?? '-'}` },
        { title: 'ACTION', of: (step) => step.action },
        { title: 'ATTEMPTS', of: (step) => step.attempts },
        { title: 'REASON', of: (step) => step.reason },
      ]),
    );
  return 0;
}

/**
 * Decides about the steps that were named, or about all of a state.
 *
 * @returns 1 if one of them could not be decided about
 */
export async function decideSteps(
  { database }: Operator,
  decision: StepDecision,
  given: Arguments,
  state: 'dead' | 'uncertain',
): Promise<number> {
  const ids = given.flag('all')
    ? (await readAll(database.db, state)).map((step) => step.id)
    : given.positionals.slice(1);
  if (ids.length === 0 && !given.flag('all')) throw usageError('name the steps, or give --all');
  const decided: ShownStep[] = [];
  for (const id of ids) decided.push(await decideStep(database, id, decision));
  if (given.flag('json')) console.log(JSON.stringify(decided));
  else for (const step of decided) console.log(`${step.id}: ${step.state}`);
  return 0;
}
