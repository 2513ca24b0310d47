import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sql } from 'kysely';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { collectingLog } from '../../test/support/app.ts';
import { createTestDatabase, type TestDatabase } from '../../test/support/database.ts';
import { RuleError } from '../errors.ts';
import { NOTHING_KNOWN } from '../match/load.ts';
import { openDatabase, type Database } from '../record/database.ts';
import { readLatestEvents } from '../record/events.ts';
import { pauseRule } from '../record/rules.ts';
import { createActiveRules, RuleSetMovedError, type ActiveRules } from './active.ts';
import { readRuleFolder } from './folder.ts';
import { publishRules, type Published, type PublishWhen } from './publish.ts';
import { watchRules, type RuleWatch } from './watch.ts';

let cloned: TestDatabase;
let database: Database;
let folder: string;
let logged: string[];
beforeAll(async () => {
  cloned = await createTestDatabase();
  database = openDatabase({ url: cloned.url, poolSize: 3 });
});
afterAll(async () => {
  await database.close();
  await cloned.drop();
});
beforeEach(async () => {
  await sql`TRUNCATE active_rule_set, rule_set_rules, rule_sets, rule_versions, rule_states`.execute(
    database.db,
  );
  folder = await mkdtemp(join(tmpdir(), 'deskhand-rules-'));
  logged = [];
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const rule = (id: string, title = 'x'): string =>
  `id: ${id}\nname: ${id}\nwhen: { title: "${title}" }\nthen: [{ acknowledge: {} }]\n`;
const newActive = (): ActiveRules =>
  createActiveRules(database, { lists: null, locales: {}, workingMs: null });
const publish = (text: string, when: PublishWhen = 'changed'): Promise<Published> =>
  publishRules(database, [{ file: 'r.yaml', text }], NOTHING_KNOWN, { when, by: 'test' });
const watching = (active: ActiveRules, first: PublishWhen = 'changed'): RuleWatch =>
  watchRules(
    { database, active, log: collectingLog(logged), known: NOTHING_KNOWN, folder, instance: 'test' },
    first,
  );
const ids = (active: ActiveRules): readonly string[] => active.current().matcher.rules.map(({ id }) => id);

test('a set is compiled with the events stored last, whatever they look like', async () => {
  const store = (id: number, doc: unknown, body: string | null): Promise<unknown> =>
    sql`INSERT INTO events (id, observed_at, connection_id, type, doc, raw)
        VALUES (${`0197b000-0000-7000-8000-00000000000${id}`}, app_now(), 1, 'custom.x', ${JSON.stringify(doc)}::jsonb,
                ${body === null ? null : Buffer.from(body)})`.execute(database.db);
  const noise = Array.from({ length: 20_000 }, (_, i) => (i * 7_919) % 10_007).join(' ');
  await store(1, { key: 'oldest' }, null);
  await store(2, { key: 'large body', ticket: 7, changes: [] }, JSON.stringify(noise));
  await store(3, { key: 'large', ticket: { description: noise } }, null);
  await store(4, { key: 'newest' }, '{ "a": 1 }');
  const latest = await readLatestEvents(database.db, 3);
  expect(latest.map(({ key, body }) => [key, body])).toEqual([
    ['newest', { a: 1 }],
    ['large body', null],
  ]);

  await publish(Array.from({ length: 30 }, (_, i) => rule(`r${i}`, `t${i}`)).join('---\n'));
  const active = newActive();
  await active.refresh();

  expect(ids(active)).toHaveLength(30);
});

describe('publishing', () => {
  test('the same content again changes nothing; a changed one is a new set that shares its versions', async () => {
    const first = await publish(`${rule('a')}---\n${rule('b')}`);
    const same = await publish(`${rule('b')}---\n${rule('a')}`);
    const changed = await publish(`${rule('a')}---\n${rule('b', 'y')}`);

    expect([first.outcome, same.outcome, changed.outcome]).toEqual(['published', 'active', 'published']);
    expect(same.ruleSetId).toBe(first.ruleSetId);
    const { rows } =
      await sql`SELECT rule_id, count(*)::int AS versions FROM rule_versions GROUP BY 1 ORDER BY 1`.execute(
        database.db,
      );
    expect(rows).toEqual([
      { rule_id: 'a', versions: 1 },
      { rule_id: 'b', versions: 2 },
    ]);
  });

  test('a set with one mistake is refused whole, with every mistake', async () => {
    await publish(rule('a'));

    const refused = await publish(`${rule('b')}---\n${rule('c').replace('when', 'wehn')}`).catch(
      (error: unknown) => error,
    );

    expect(refused).toBeInstanceOf(RuleError);
    expect(String(refused)).toMatch(/r\.yaml:\d+:\d+: .*wehn/);
    const active = newActive();
    await active.refresh();
    expect(ids(active)).toEqual(['a']);
  });

  test('at the start of a rolling deploy an older folder does not win over a newer one', async () => {
    const old = await publish(rule('a'));
    await publish(rule('b'));

    const started = await publish(rule('a'), 'new');
    const forced = await publish(rule('a'), 'changed');

    expect(started).toMatchObject({ outcome: 'older', ruleSetId: old.ruleSetId });
    expect(forced).toMatchObject({ outcome: 'published', ruleSetId: old.ruleSetId });
  });
});

describe('the active set', () => {
  test('pinned by a group that matched with another one is refused', async () => {
    await publish(rule('a'));
    const active = newActive();
    await active.refresh();
    await publish(rule('b'));

    await expect(database.transaction((tx) => active.pin(tx))).rejects.toThrow(RuleSetMovedError);
    await active.refresh();
    expect(ids(active)).toEqual(['b']);
  });

  test('gives a run its own version, also after a switch and on an instance that never had it', async () => {
    await publish(rule('a', 'old'));
    const active = newActive();
    const versionId = (await active.refresh()).versionOf.get('a') ?? 0;
    await publish(rule('a', 'new'));

    const mine = await active.ruleOf(versionId);
    const others = await newActive().ruleOf(versionId);

    expect([mine.when, others.when]).toEqual([{ title: 'old' }, { title: 'old' }]);
  });

  test('knows which rules are paused, and why', async () => {
    await publish(rule('a'));
    const first = await pauseRule(database.db, 'a', 'too much');
    const second = await pauseRule(database.db, 'a', 'again');

    const book = await newActive().refresh();

    expect([first, second]).toEqual([true, false]);
    expect(book.paused.get('a')).toBe('too much');
  });
});

describe('the folder', () => {
  test('is followed: a change is live once two looks agree on it, without a restart', async () => {
    const active = newActive();
    const watch = watching(active);
    await writeFile(join(folder, 'a.yaml'), rule('a'));
    await watch.runOnce();
    await writeFile(join(folder, 'b.yml'), rule('b'));

    await watch.runOnce();
    const once = ids(active);
    await watch.runOnce();

    expect([once, ids(active)]).toEqual([['a'], ['a', 'b']]);
  });

  test('seen while a file is being saved switches nothing off', async () => {
    const active = newActive();
    const watch = watching(active);
    await writeFile(join(folder, 'a.yaml'), rule('a'));
    await watch.runOnce();
    await writeFile(join(folder, 'a.yaml'), '');

    await watch.runOnce();
    const during = ids(active);
    await writeFile(join(folder, 'a.yaml'), rule('a2'));
    await watch.runOnce();
    await watch.runOnce();

    expect([during, ids(active)]).toEqual([['a'], ['a2']]);
  });

  test('with a mistake leaves the last good set, says it once, and is live when it is mended', async () => {
    const active = newActive();
    const watch = watching(active);
    await writeFile(join(folder, 'a.yaml'), rule('a'));
    await watch.runOnce();
    await writeFile(join(folder, 'a.yaml'), `${rule('a2')}nonsense: 1\n`);
    await watch.runOnce();
    await watch.runOnce();
    const refused = logged.filter((line) => line.includes('rule set refused'));
    const during = ids(active);
    await writeFile(join(folder, 'a.yaml'), rule('a3'));

    await watch.runOnce();
    await watch.runOnce();

    expect(refused).toHaveLength(1);
    expect([during, ids(active)]).toEqual([['a'], ['a3']]);
  });

  test('that is gone is said once, and the set stays', async () => {
    const active = newActive();
    const watch = watching(active);
    await writeFile(join(folder, 'a.yaml'), rule('a'));
    await watch.runOnce();
    await rm(folder, { recursive: true });

    await watch.runOnce();
    await watch.runOnce();

    expect(logged.filter((line) => line.includes('rules not read'))).toHaveLength(1);
    expect(ids(active)).toEqual(['a']);
  });

  test('that became empty switches nothing off: a mount may be missing', async () => {
    const active = newActive();
    const watch = watching(active);
    await writeFile(join(folder, 'a.yaml'), rule('a'));
    await watch.runOnce();
    await rm(join(folder, 'a.yaml'));

    await watch.runOnce();
    await watch.runOnce();

    expect(logged.filter((line) => line.includes('rules folder is empty'))).toHaveLength(1);
    expect(ids(active)).toEqual(['a']);
  });

  test('that did not change gives way to what another instance published', async () => {
    const active = newActive();
    const watch = watching(active);
    await writeFile(join(folder, 'a.yaml'), rule('a'));
    await watch.runOnce();
    await publish(rule('b'));

    await watch.runOnce();

    expect(ids(active)).toEqual(['b']);
  });

  test('95: is read with its sub-folders, and nothing outside it', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'deskhand-outside-'));
    await writeFile(join(outside, 'secret.yaml'), rule('outside'));
    await mkdir(join(folder, 'team'));
    await writeFile(join(folder, 'team', 'a.yaml'), rule('a'));
    await writeFile(join(folder, 'notes.txt'), 'no rule');
    await symlink(join(outside, 'secret.yaml'), join(folder, 'linked.yaml'));

    const { files } = await readRuleFolder(folder);
    await rm(outside, { recursive: true });

    expect(files.map(({ file }) => file)).toEqual([join(folder, 'team', 'a.yaml')]);
  });
});
