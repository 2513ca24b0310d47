import type { DeskEvent } from '../event.ts';

/** An event on its way into the store. */
export interface EventDraft extends KeyHolder {
  readonly event: DeskEvent;
  /** Bytes of a webhook, or of what an event of our own says. */
  readonly raw: Buffer | null;
  readonly depth: number;
  /** The step that caused it. */
  readonly causedBy: string | null;
  /** Only recorded: every match is suppressed with this reason. */
  readonly suppress?: string;
}

/** What the ledger needs to know of a draft or a delivery. */
export interface KeyHolder {
  /** Made before the insert, so that after an unknown commit we recognise our own row. */
  readonly id: string;
  readonly connectionId: number;
  /** Keys in the ledger under which the same thing may come again; new only if all of them are. */
  readonly keys: readonly LedgerKey[];
}

/** A remembered key. */
export interface LedgerKey {
  readonly key: string;
  /** Null: a repeat for as long as it is remembered. Else it is new again after that many ms. */
  readonly renewAfterMs: number | null;
}
