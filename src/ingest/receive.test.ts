import { afterAll, beforeAll, expect, test } from 'vitest';
import { createEngine, type Engine } from '../../test/support/engine.ts';
import { NO_HANDS } from '../../test/support/hands.ts';
import { SILENT } from '../../test/support/silent-log.ts';
import { systemClock } from '../clock.ts';
import { openConnection, type Connection } from '../connections.ts';
import { CommitUnknownError, type Database } from '../record/database.ts';
import { vendors } from '../vendors/registry.ts';
import { createReceiver, type Delivery, type Receiver } from './receive.ts';

let engine: Engine;
let connection: Connection;
beforeAll(async () => {
  engine = await createEngine();
  connection = await openConnection(
    {
      name: 'monitoring',
      vendor: vendors.webhook,
      settings: vendors.webhook.settings.parse({}),
      settleMs: 1_000,
      reference: 'auto',
      lateAfterMs: 900_000,
      poll: null,
      budget: null,
    },
    { database: engine.database, clock: systemClock, log: SILENT },
  );
});
afterAll(() => engine.close());

const receiverOn = (database: Database): Receiver =>
  createReceiver({
    database,
    store: engine.store,
    hands: NO_HANDS,
    onRuns: () => undefined,
    onNominations: () => undefined,
    crash: () => undefined,
  });

function delivery(id: string, bytes = Buffer.from('{"a":1}')): Delivery {
  return {
    connection,
    bytes,
    contentType: 'application/json',
    header: (name) => (name === 'webhook-id' ? id : undefined),
  };
}

type Around = <T>(run: () => Promise<T>) => Promise<T>;

/** The same database with something around each of its transactions. */
const withTransactions = (around: Around): Database => ({
  ...engine.database,
  transaction: (work) => around(() => engine.database.transaction(work)),
  oneTrip: (issue) => around(() => engine.database.oneTrip(issue)),
});

test('what is answered 202 is stored, each delivery once, however many come at once', async () => {
  await engine.clear();
  const receiver = receiverOn(engine.database);

  const answers = await Promise.all(
    Array.from({ length: 600 }, (_, number) => receiver.receive(delivery(`d${number % 300}`))),
  );

  expect(answers.filter((answer) => answer.status === 202)).toHaveLength(300);
  expect(answers.filter((answer) => answer.status === 200)).toHaveLength(300);
  expect(await engine.events()).toHaveLength(300);
});

test('beyond what may wait, deliveries are refused at once, and taken again when there is room', async () => {
  await engine.clear();
  let open = (): void => undefined;
  const closed = new Promise<void>((resolve) => (open = resolve));
  const receiver = receiverOn(
    withTransactions(async (run) => {
      await closed;
      return run();
    }),
  );

  const waiting = Array.from({ length: 2_000 }, (_, number) => receiver.receive(delivery(`d${number}`)));
  const refused = await receiver.receive(delivery('one too many'));
  open();
  const answers = await Promise.all(waiting);
  await receiver.drain();
  const later = await receiver.receive(delivery('one too many'));

  expect(refused).toMatchObject({ status: 503 });
  expect(answers.every((answer) => answer.status === 202)).toBe(true);
  expect(later).toMatchObject({ status: 202 });
});

test('a flood of large bodies is refused by its bytes', async () => {
  let open = (): void => undefined;
  const closed = new Promise<void>((resolve) => (open = resolve));
  const receiver = receiverOn(
    withTransactions(async () => {
      await closed;
      throw Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
    }),
  );
  const large = Buffer.from(JSON.stringify({ a: 'x'.repeat(11 * 1024 * 1024) }));
  const waiting = Array.from({ length: 6 }, (_, number) =>
    receiver.receive(delivery(`large${number}`, large)),
  );

  const refused = await receiver.receive(delivery('small'));
  open();
  await Promise.all(waiting);

  expect(refused).toMatchObject({ status: 503 });
});

test('while the database is away nothing is answered 2xx', async () => {
  const away = Object.assign(new Error('refused'), { code: 'ECONNREFUSED' });
  const receiver = receiverOn(withTransactions(() => Promise.reject(away)));

  expect(await receiver.receive(delivery('d1'))).toMatchObject({ status: 503 });
});

test.each([
  ['took place', true],
  ['did not take place', false],
])('a commit whose answer was lost and that %s ends in 202 and one event', async (_, happened) => {
  await engine.clear();
  let left = 1;
  const receiver = receiverOn(
    withTransactions(async (run) => {
      if (left-- !== 1) return run();
      if (happened) await run();
      throw new CommitUnknownError('lost');
    }),
  );

  const answer = await receiver.receive(delivery('d1'));

  expect(answer).toMatchObject({ status: 202, duplicate: false });
  expect((await engine.events()).map((event) => event.id)).toEqual(
    answer.status === 202 ? [answer.delivery] : [],
  );
});
