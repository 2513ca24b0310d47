import { z } from 'zod';
import type { CallContext, FeedPage, FeedPosition, Occurrence } from '../vendor.ts';
import { readIncidents, toRows } from './incidents.ts';
import type { Reader } from './reader.ts';
import { Execution } from './schema.ts';

/**
 * Algorithm C of the integration reference (2.3): runs of the triggers that the desk's administrator has defined,
 * within the last hour (manual, `triggers.executions`). There is no history beyond it: what is missed is lost, which
 * the engine says as `feed.gap`.
 */

/** Ids of the executions that the last complete walk has shown. */
const Cursor = z.object({ seen: z.array(z.string()) });
const Walk = z.object({ pageKey: z.string(), seen: z.array(z.string()) });

export async function readTriggersPage(
  reader: Reader,
  position: FeedPosition,
  context: CallContext,
): Promise<FeedPage> {
  const walk = position.next === null ? null : Walk.parse(position.next);
  const before = new Set(position.cursor === null ? [] : Cursor.parse(position.cursor).seen);
  // No paging is documented; newer versions page other lists with a key.
  const query = walk === null ? {} : { page_key: walk.pageKey };
  const { rows, nextKey } = await reader.client.rows('GET triggers.executions', query, Execution, context);
  const seen = [...new Set([...(walk?.seen ?? []), ...rows.map((row) => row.id)])];
  const fresh = position.baseline ? [] : rows.filter((row) => !before.has(row.id));
  const ids = fresh.map((row) => row.request_id).filter((id) => id !== null);
  // A rule wants to know the ticket as well, as it is now.
  const found = await readIncidents(reader.client, ids, context);
  const goesOn = nextKey !== null && nextKey !== walk?.pageKey;
  return {
    rows: toRows([...new Set(ids)], found, reader.lookups.known(), reader),
    occurrences: await toOccurrences(reader, fresh, context),
    next: goesOn ? { pageKey: nextKey, seen } : null,
    cursor: { seen },
  };
}

async function toOccurrences(
  reader: Reader,
  rows: readonly z.infer<typeof Execution>[],
  context: CallContext,
): Promise<readonly Occurrence[]> {
  const names = await reader.lookups.triggers(
    rows.map((row) => row.trigger_id),
    context,
  );
  return rows.map((row) => {
    const executedAt = reader.mapping.toInstant(row.executed_at);
    const name = names.get(row.trigger_id) ?? null;
    return {
      key: `trigger:${row.id}`,
      type: 'trigger.fired',
      ticketId: row.request_id,
      occurredAt: executedAt,
      trigger: { id: row.trigger_id, name, execution_id: row.id, executed_at: executedAt },
      body: { id: row.trigger_id, name, execution_id: row.id, request_id: row.request_id },
    };
  });
}
