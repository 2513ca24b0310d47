import type { Database } from '../record/database.ts';
import { lockStep, settleStep, takeAgain } from '../record/operate/decisions.ts';
import { findStep, type ShownStep } from '../record/operate/runs.ts';
import { isUuid } from '../record/operate/page.ts';
import type { StepState } from '../record/tables.ts';
import { OperateError } from './error.ts';

/** What a person may decide about a step that Deskhand gave up on. */
export type StepDecision = 'retry' | 'skip' | 'resend' | 'mark-done';

/** Which states each decision is for. */
const FOR_STATES: Readonly<Record<StepDecision, readonly StepState[]>> = {
  retry: ['dead'],
  skip: ['dead', 'uncertain'],
  resend: ['uncertain'],
  'mark-done': ['uncertain'],
};

/**
 * Carries out a decision. A step that is taken again makes its run active and its lane due, so that a worker claims
 * it in the usual order; nothing is sent from here.
 *
 * @throws OperateError for an unknown step, or one in another state
 */
export async function decideStep(
  database: Database,
  stepId: string,
  decision: StepDecision,
): Promise<ShownStep> {
  const id = isUuid(stepId) ? stepId : null;
  if (id === null) throw unknownStep(stepId);
  await database.transaction(async (tx) => {
    const step = await lockStep(tx, id);
    if (step === null) throw unknownStep(stepId);
    if (!FOR_STATES[decision].includes(step.state)) {
      const wanted = FOR_STATES[decision].join(' or ');
      throw new OperateError('wrong_state', `the step is ${step.state}; ${decision} is for ${wanted} ones`);
    }
    switch (decision) {
      case 'retry':
      case 'resend':
        return takeAgain(tx, step);
      case 'skip':
        return settleStep(tx, step, { state: 'skipped', reason: 'skipped by a person' }, false);
      case 'mark-done':
        return settleStep(tx, step, { state: 'done', reason: 'marked done by a person' }, true);
    }
  });
  const step = await findStep(database.db, id);
  if (step === null) throw unknownStep(stepId);
  return step;
}

function unknownStep(stepId: string): OperateError {
  return new OperateError('not_found', `there is no step ${stepId}`);
}
