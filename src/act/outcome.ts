import type { BoundChild, Outcome } from '../record/outcomes.ts';
import type { ClaimedStep } from '../record/steps.ts';
import type { Rule, Step } from '../match/rule.ts';
import type { PlannedWrite } from '../vendors/vendor.ts';
import type { Parts, Resolution } from './task.ts';

/** The row to record for what one try came to. */
export function toOutcome(
  claimed: ClaimedStep,
  resolution: Resolution,
  call: { readonly id: string; readonly startedAt: number; readonly tookMs: number },
  found: { readonly rule: Rule; readonly step: Step } | null,
): Outcome {
  const parts = resolution.parts ?? claimed.parts;
  const calls = claimed.attempts + (resolution.attempt == null ? 0 : 1);
  return {
    stepId: claimed.stepId,
    runId: claimed.runId,
    laneId: claimed.laneId,
    fence: claimed.fence,
    state: resolution.state,
    reason: resolution.reason,
    dueInMs: resolution.dueInMs === null ? null : Math.max(0, resolution.dueInMs),
    held: resolution.held === true,
    intent: resolution.intent === undefined ? null : resolution.intent,
    parts,
    result: resolution.result ?? null,
    attempts: resolution.uncounted === true ? claimed.attempts : calls,
    attempt:
      resolution.attempt == null
        ? null
        : { ...call, number: calls, state: resolution.attempt.state, reason: resolution.attempt.reason },
    endRun: resolution.endRun ?? endsRun(resolution, found?.step.required ?? false),
    alone: found !== null && isAlone(found),
    progress: resolution.progress ?? null,
    bound: boundOf(parts, claimed),
    writes: resolution.writes ?? null,
    spawn: resolution.spawn ?? [],
  };
}

/** The only step that its run will ever have: nothing comes after it. */
function isAlone({ rule, step }: { readonly rule: Rule; readonly step: Step }): boolean {
  return (
    rule.then.length === 1 && rule.then[0] === step && step.action !== 'repeat' && step.action !== 'slack.ask'
  );
}

/** The name under which the text of an append is remembered as ours. */
export function appendField(write: PlannedWrite): string {
  return `comment:${write.part}`;
}

/** After a dead or uncertain step the run goes on, unless the rule cannot do without it. */
function endsRun(resolution: Resolution, required: boolean): string | null {
  const failed = resolution.state === 'dead' || resolution.state === 'uncertain';
  return failed && required ? `a required step is ${resolution.state}` : null;
}

function boundOf(parts: Parts, claimed: ClaimedStep): readonly BoundChild[] {
  return Object.values(parts).flatMap(({ child, kind, connection }) =>
    child === null || kind === undefined
      ? []
      : [{ connectionId: connection ?? claimed.connectionId, kind, childId: child, stepId: claimed.stepId }],
  );
}
