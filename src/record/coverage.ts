import { sql } from 'kysely';
import type { Tx } from './database.ts';

/**
 * Notes that a feed has covered a span, in the transaction of the walk that did. A span that touches the one before
 * extends it; a hole between two rows is time that nobody can tell about.
 */
export async function recordCoverage(
  tx: Tx,
  feed: { readonly connectionId: number; readonly feed: string },
  span: { readonly from: Date; readonly to: Date },
): Promise<void> {
  const extended = await sql`
    UPDATE coverage SET to_at = greatest(to_at, ${span.to})
     WHERE connection_id = ${feed.connectionId} AND feed = ${feed.feed} AND to_at >= ${span.from}
       AND from_at = (SELECT max(from_at) FROM coverage
                       WHERE connection_id = ${feed.connectionId} AND feed = ${feed.feed})`.execute(tx);
  if (extended.numAffectedRows !== 0n && extended.numAffectedRows !== undefined) return;
  await sql`
    INSERT INTO coverage (connection_id, feed, from_at, to_at)
    VALUES (${feed.connectionId}, ${feed.feed}, ${span.from}, ${span.to})
    ON CONFLICT (connection_id, feed, from_at) DO UPDATE
      SET to_at = greatest(coverage.to_at, excluded.to_at)`.execute(tx);
}
