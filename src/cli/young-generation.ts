import { setFlagsFromString } from 'node:v8';

/**
 * What loading and starting leave behind would grow V8's young generation to 32 MB, which an idle process keeps for
 * minutes: a quarter of all that it needs. It may grow once there is work.
 */
export function keepYoungGenerationSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
}

export function letYoungGenerationGrow(): void {
  setFlagsFromString('--semi-space-growth-factor=2');
}
