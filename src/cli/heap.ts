import { setFlagsFromString } from 'node:v8';

/**
 * V8 spends memory to save time where a process starts and where it has much to do. A process that waits for months
 * beside others gives it back sooner: by default an idle one keeps 32 MB of young generation that only its start
 * needed, and a busy one lets garbage quadruple its heap before it looks (239 against 166 MB with a backlog, at the same
 * speed).
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--semi-space-growth-factor=1');
  setFlagsFromString('--heap-growing-percent=100');
}

/** The start is over: work may have a young generation of the usual size. */
export function letYoungGenerationGrow(): void {
  setFlagsFromString('--semi-space-growth-factor=2');
}
