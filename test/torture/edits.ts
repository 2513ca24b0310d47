import { startReceiver } from '../../src/demo/simulators/receiver.ts';
import { seededRandom } from '../../src/demo/simulators/support/random.ts';
import { allowReceiver, judgeForwarded } from './forwarded.ts';
import type { Server } from './process.ts';
import { createSenders, MONITORING } from './senders.ts';
import { createStage, pause, type Stage } from './stage.ts';
import { createDemands, type Verdict } from './verdict.ts';

export interface EditsOptions {
  readonly databaseUrl: string;
  readonly edits: number;
  readonly seed: number;
}

const SENDERS = 4;
/** Every so many edits the file is broken for a while. */
const BROKEN_EVERY = 10;

/**
 * Rules edited while events are in flight on two instances (R18): every event must be judged by exactly one version,
 * the one of the set that stands with the event, and a broken file must change nothing.
 */
export async function editsScenario(options: EditsOptions): Promise<Verdict> {
  const random = seededRandom(options.seed);
  const receiver = await startReceiver();
  const stage = await createStage({
    databaseUrl: options.databaseUrl,
    config: `connections:${MONITORING}${allowReceiver(receiver.url)}`,
    rules: rule(receiver.url, 0),
  });
  const { missed, demand } = createDemands();
  try {
    const servers: Server[] = [await stage.start(), await stage.start()];
    let turn = 0;
    const senders = createSenders({
      senders: SENDERS,
      port: () => servers[(turn += 1) % servers.length]?.port ?? 0,
    });
    let over = false;
    function* ids(): Generator<string> {
      for (let next = 1; !over; next++) yield `edit-${next}`;
    }
    const posting = senders.post(ids());
    for (let version = 1; version <= options.edits; version++) {
      const broken = version % BROKEN_EVERY === 0;
      await stage.writeRules(broken ? 'id: forward\nwehn: {}\n' : rule(receiver.url, version));
      await pause(1_000 + random.below(500));
    }
    over = true;
    await posting;
    await stage.settled(60_000);
    const { versions, strangers } = await versionsUsed(stage);
    demand(strangers === 0, `${strangers} events judged by a version that was not in their set`);
    demand(versions > options.edits / 2, `only ${versions} versions were ever active`);
    const result = await judgeForwarded(stage, senders, receiver);
    return {
      scenario: 'rules edited under load',
      killed: options.edits,
      ...result,
      missed,
      note: `${versions} versions were active while events came; ${result.note}`,
    };
  } finally {
    await stage.close();
    await receiver.close();
  }
}

async function versionsUsed(stage: Stage): Promise<{ versions: number; strangers: number }> {
  const [row] = await stage.query<{ versions: number; strangers: number }>(`
    SELECT count(DISTINCT r.rule_version_id)::int AS versions,
           count(*) FILTER (WHERE s.rule_set_id IS NULL)::int AS strangers
      FROM runs r JOIN events e ON e.id = r.event_id
      LEFT JOIN rule_set_rules s ON s.rule_set_id = e.rule_set_id AND s.rule_version_id = r.rule_version_id`);
  return row ?? { versions: 0, strangers: 0 };
}

function rule(receiverUrl: string, version: number): string {
  return `
id: forward
name: Forward everything, version ${version}
on: [webhook.received]
when: { title: { contains: torture } }
then:
  - http.post: { url: "${receiverUrl}/in", json: { version: ${version} } }
`;
}
