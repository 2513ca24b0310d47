import type { Receiver } from '../../src/demo/simulators/receiver.ts';
import type { Senders } from './senders.ts';
import type { Stage } from './stage.ts';
import type { Verdict } from './verdict.ts';

/** A rule that posts every delivery on, and its `http` setting: what comes out can be counted against what went in. */
export function forwardRule(receiverUrl: string, then = ''): string {
  return `
id: forward
name: Forward everything
on: [webhook.received]
when: { title: { contains: torture } }
then:
${then}  - http.post: { url: "${receiverUrl}/in" }
`;
}

export function allowReceiver(receiverUrl: string): string {
  return `http: { allow: ["${new URL(receiverUrl).host}"] }\n`;
}

/** Every acknowledged delivery must be one event, one run, one step, and have arrived. */
export async function judgeForwarded(
  stage: Stage,
  { acknowledged }: Pick<Senders, 'acknowledged'>,
  { received }: Receiver,
): Promise<Pick<Verdict, 'acknowledged' | 'lost' | 'twice' | 'note'>> {
  const events = await stage.query<{ ticket_id: string; events: number; runs: number; steps: string[] }>(
    `SELECT e.ticket_id, count(DISTINCT e.id)::int AS events, count(DISTINCT r.id)::int AS runs,
            array_agg(s.id) AS steps
       FROM events e LEFT JOIN runs r ON r.event_id = e.id LEFT JOIN steps s ON s.run_id = r.id
      WHERE e.type = 'webhook.received' GROUP BY e.ticket_id`,
  );
  const byId = new Map(events.map((row) => [row.ticket_id, row]));
  const arrived = (id: string): boolean => (byId.get(id)?.steps ?? []).some((step) => received.has(step));
  const twice = events.filter((row) => row.events !== 1 || row.runs !== 1 || row.steps.length !== 1);
  const repeats = [...received.values()].reduce((sum, count) => sum + count - 1, 0);
  return {
    acknowledged: acknowledged.size,
    lost: [...acknowledged].filter((id) => !arrived(id)).length,
    twice: twice.length,
    note: `${repeats} posts repeated under the same webhook-id`,
  };
}
