import { bossdeskStage } from './bossdesk.ts';
import { gotoassistStage } from './gotoassist.ts';
import { invgateStages } from './invgate.ts';
import { jitbitStage } from './jitbit.ts';
import type { Stage } from './stage.ts';

/** Every desk that has the property; one line per stage. */
export const stages: readonly Stage[] = [bossdeskStage, gotoassistStage, ...invgateStages, jitbitStage];
