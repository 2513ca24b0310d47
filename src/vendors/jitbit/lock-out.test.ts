import { afterAll, beforeAll, expect, test } from 'vitest';
import { createStandingClock, type StandingClock } from '../../../test/support/clocks.ts';
import { createEngine, type Engine } from '../../../test/support/engine.ts';
import { openConnection, type Connection } from '../../connections.ts';
import { jitbitIds } from '../../demo/simulators/jitbit/seed.ts';
import { pollOnce } from '../../ingest/poll.ts';
import { refreshOnce } from '../../ingest/refresh.ts';
import { setConnectionPaused } from '../../record/operate/pauses.ts';
import { nominate } from '../../record/nominations.ts';
import { jitbit } from './index.ts';

/**
 * Document, "Authentication": three wrong logins in a row block the caller's address for five minutes. However many
 * processes there are and however often they start, the desk must never see a third one.
 */

const MINUTE = 60_000;
const DAY = 24 * 60 * MINUTE;
const never = new AbortController().signal;

let clock: StandingClock;
let engine: Engine;
beforeAll(async () => {
  clock = createStandingClock();
  engine = await createEngine({ clock });
});
afterAll(() => engine.close());

/** The same connection as another process opens it. */
function start(token: string): Promise<Connection> {
  const { database, log } = engine.poll;
  const { settleMs, reference, lateAfterMs, name } = engine.connection;
  const settings = jitbit.settings.parse({ url: engine.desk.url, token });
  const common = { name, vendor: jitbit, settleMs, reference, lateAfterMs, poll: null, budget: null };
  return openConnection({ ...common, settings }, { database, clock, log });
}

/** Whatever would call the desk in a process: feeds that are due, tickets that hooks have named. */
async function work(connection: Connection): Promise<void> {
  while (await pollOnce(connection, engine.poll, never));
  await engine.database.transaction((tx) =>
    nominate(tx, [{ connectionId: connection.id, ticketId: '1', via: 'webhook' }], 0),
  );
  await refreshOnce(connection, engine.poll, never);
  await connection.adapter?.close();
}

const refused = (): number => engine.desk.calls.all.filter((call) => call.status === 401).length;

test('one wrong login, one retry after six minutes, then none until the credentials change', async () => {
  const bot = engine.desk.state.users.get(jitbitIds.deskbot);
  if (bot === undefined) throw new Error('there is no bot');
  bot.token = 'another';
  await clock.advance(2 * DAY);
  await work(await start(engine.desk.token));
  const first = refused();

  for (let minute = 0; minute < 5; minute++) {
    await clock.advance(MINUTE);
    await work(await start(engine.desk.token));
  }
  const whileSilent = refused();
  for (let minute = 0; minute < 10; minute++) {
    await clock.advance(2 * MINUTE);
    await work(await start(engine.desk.token));
  }
  await clock.advance(30 * DAY);
  await work(await start(engine.desk.token));
  const later = refused();
  await work(await start('another'));

  expect([first, whileSilent, later]).toEqual([1, 1, 2]);
  expect(refused()).toBe(2);
  const types = (await engine.events()).map((event) => event.type);
  expect(types.filter((type) => type.startsWith('connection.'))).toEqual([
    'connection.auth_failed',
    'connection.recovered',
  ]);
});

test('a person who resumes the connection has it tried once more', async () => {
  const bot = engine.desk.state.users.get(jitbitIds.deskbot);
  if (bot === undefined) throw new Error('there is no bot');
  bot.token = 'yet another';
  await clock.advance(DAY);
  await work(await start('another'));
  await clock.advance(DAY);
  await work(await start('another'));
  await clock.advance(DAY);
  await work(await start('another'));
  const before = refused();
  bot.token = 'another';
  await setConnectionPaused(engine.database.db, engine.connection.name, false);

  await work(await start('another'));

  const row = await engine.database.db
    .selectFrom('connections')
    .select('state')
    .where('id', '=', engine.connection.id)
    .executeTakeFirstOrThrow();
  expect([before, refused(), row.state]).toEqual([4, 4, 'ok']);
});
