import { z } from 'zod';
import { MODES } from './search.ts';

/** Where the feed of changes stands. All times are epoch ms by the vendor's clock, unless they say "ours". */
export const Cursor = z.object({
  mode: z.enum(MODES),
  /** Changes before this were seen. */
  at: z.number(),
  /** When the baseline began: tasks and approvals from before are history. */
  since: z.number(),
  /** Ours: when filter and sort were last tried out. */
  probedAt: z.number(),
  /** From where the next overlapping read starts, and when (ours) the last one was made. */
  overlap: z.object({ from: z.number(), readAt: z.number() }),
  /** Greatest friendly id known, and when (ours) the next ones were last looked for. */
  highest: z.number(),
  lookedAt: z.number(),
});
export type Cursor = z.infer<typeof Cursor>;

/** Where a walk of that feed stands between two pages. */
export const Walk = z.discriminatedUnion('step', [
  /** The baseline: all tickets that were open when it began, as far as ids tell. */
  z.object({
    step: z.literal('open'),
    cursor: Cursor,
    by: z.enum(['id', 'page']),
    place: z.number(),
    newestId: z.number().nullable(),
  }),
  /** Pages of changes in their order, each from the last stamp of the one before. */
  z.object({
    step: z.literal('keyset'),
    cursor: Cursor,
    from: z.number(),
    overlaps: z.boolean(),
    /** Clock of the first list; 0: none yet. */
    startedAt: z.number(),
  }),
  /** Ids of everything from a stamp on, read twice. */
  z.object({
    step: z.literal('collect'),
    cursor: Cursor,
    from: z.number(),
    startedAt: z.number(),
    page: z.number(),
    /** Of this reading, and of the first when this is the second. */
    ids: z.array(z.string()),
    first: z.array(z.string()).nullable(),
  }),
  /** The tickets that were collected; `at` is the cursor once all are read. */
  z.object({
    step: z.literal('details'),
    cursor: Cursor,
    ids: z.array(z.string()),
    /** Those that only the second reading showed. */
    late: z.array(z.string()),
    skipped: z.boolean(),
    from: z.number(),
    at: z.number(),
  }),
  /** Pages of the saved search. */
  z.object({ step: z.literal('search'), cursor: Cursor, page: z.number(), startedAt: z.number() }),
  /** New tickets by number. */
  z.object({ step: z.literal('probe'), cursor: Cursor, number: z.number(), misses: z.number() }),
]);
export type Walk = z.infer<typeof Walk>;
