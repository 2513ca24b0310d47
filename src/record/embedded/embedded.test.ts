import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  chown,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest';
import type { Log } from '../../log.ts';
import { connectEmbedded, type Embedded, openEmbedded } from './embedded.ts';
import { DataInUseError } from './embedded-error.ts';
import { choosePlace } from './place.ts';
import { readPostmasterFile } from './postmaster-file.ts';

const isRoot = process.getuid?.() === 0;
const OWNER = path.resolve('test/support/embedded-owner.ts');

let root: string;
let dataDir: string;
let said: string[];
let open: Embedded[];

beforeAll(async () => {
  root = await mkdtemp(path.join(tmpdir(), 'deskhand-embedded-'));
  await chmod(root, 0o755);
  dataDir = path.join(root, 'data');
  open = [];
});
afterEach(async () => {
  for (const embedded of open.splice(0)) await embedded.stop();
});
afterAll(() => rm(root, { recursive: true, force: true }));

function options(folder = dataDir) {
  said = [];
  const say = (_: object, message: string): void => void said.push(message);
  const log: Log = { debug: say, info: say, warn: say, error: say };
  return { dataDir: folder, log, command: 'serve', sharedState: path.join(root, 'shared') };
}

async function own(folder?: string): Promise<Embedded> {
  const embedded = await openEmbedded({ ...options(folder), onLost: () => undefined });
  open.push(embedded);
  return embedded;
}

async function connect(folder?: string): Promise<Embedded> {
  const embedded = await connectEmbedded({ ...options(folder), command: 'status' });
  open.push(embedded);
  return embedded;
}

async function ask(url: string, statement: string): Promise<Record<string, unknown>[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}

async function isServing(folder = dataDir): Promise<boolean> {
  return (await readPostmasterFile(path.join(folder, 'postgres'))) !== null;
}

/** Another process that owns the folder, once it does. */
async function spawnOwner(): Promise<{ child: ChildProcess; url: string; kill(): Promise<void> }> {
  const args = ['--import', 'tsx', OWNER, dataDir, path.join(root, 'shared')];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  const exited = once(child, 'exit');
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await exited;
  };
  onTestFinished(kill);
  const lines = createInterface(child.stdout).on('line', () => undefined);
  const [url] = (await once(lines, 'line')) as [string];
  return { child, url, kill };
}

describe('the owner', () => {
  test('gets a fresh database that keeps every commit on disk, and stops it', async () => {
    const embedded = await own();
    const rows = await ask(
      embedded.url,
      `SELECT current_database() AS database, current_setting('fsync') AS fsync,
              current_setting('synchronous_commit') AS sync, lower('ÇA') AS folded`,
    );
    await embedded.stop();

    expect(embedded).toMatchObject({ started: true, owned: true });
    expect(rows).toEqual([{ database: 'deskhand', fsync: 'on', sync: 'on', folded: 'ça' }]);
    expect(said).toEqual(['embedded database was created', 'embedded database is ready']);
    expect(await isServing()).toBe(false);
  });

  test('leaves nothing half made, and no file that others can read', async () => {
    const connection = path.join(dataDir, 'connection.json');
    const embedded = await own();
    await embedded.stop();

    // Where the package's folder cannot be used as it is, a copy of the programs stands here too.
    const files = (await readdir(dataDir)).filter((name) => !/^postgresql-[\w.-]+$/.test(name));
    expect(files.sort()).toEqual(['connection.json', 'postgres', 'postgres.log']);
    expect((await stat(connection)).mode & 0o077).toBe(0);
    expect((await stat(path.join(dataDir, 'postgres.log'))).mode & 0o077).toBe(0);
    expect((await stat(path.join(dataDir, 'postgres'))).mode & 0o077).toBe(0);
    expect(JSON.parse(await readFile(connection, 'utf8'))).toMatchObject({ url: embedded.url });
  });

  test('finds the same rows at the same address the next time', async () => {
    const first = await own();
    await ask(first.url, 'CREATE TABLE kept AS SELECT 7 AS n');
    await first.stop();

    const second = await own();

    expect(second.url).toBe(first.url);
    expect(await ask(second.url, 'SELECT n FROM kept')).toEqual([{ n: 7 }]);
  });

  test('is the only one: a second is told who runs', async () => {
    await own();

    const second = openEmbedded({ ...options(), onLost: () => undefined });

    await expect(second).rejects.toThrow(DataInUseError);
    await expect(second).rejects.toMatchObject({
      ownerPid: process.pid,
      message: expect.stringContaining(`deskhand serve (pid ${process.pid}) is running on ${dataDir}`),
    });
  });

  test('that was killed leaves a live server, which the next one adopts', async () => {
    const owner = await spawnOwner();
    await ask(owner.url, 'CREATE TABLE IF NOT EXISTS survived AS SELECT 1 AS n');
    await owner.kill();
    expect(await isServing()).toBe(true);

    const next = await own();

    expect(next).toMatchObject({ started: false, url: owner.url });
    expect(await ask(next.url, 'SELECT n FROM survived')).toEqual([{ n: 1 }]);
  });

  test('brings a killed server back at the same address', async () => {
    const { url } = await own();
    await ask(url, 'CREATE TABLE durable AS SELECT 2 AS n');
    const killed = await readPostmasterFile(path.join(dataDir, 'postgres'));
    process.kill(killed?.pid ?? 0, 'SIGKILL');

    await expect
      .poll(() => ask(url, 'SELECT n FROM durable').catch(() => []), { timeout: 15_000 })
      .toEqual([{ n: 2 }]);
    await expect.poll(() => said, { timeout: 15_000 }).toContain('embedded database is back');
  });

  test('is not misled by a left-over file that names a living process', async () => {
    await (await own()).stop();
    const leftOver = [process.pid, path.join(dataDir, 'postgres'), 1, 5432, '', '127.0.0.1', '', 'ready'];
    await writeFile(path.join(dataDir, 'postgres', 'postmaster.pid'), leftOver.join('\n'));

    const embedded = await own();

    expect(embedded.started).toBe(true);
  });
});

describe('other commands', () => {
  test('work beside the owner and leave it alone', async () => {
    const owner = await own();

    const client = await connect();
    await client.stop();

    expect(client).toMatchObject({ started: false, owned: false, url: owner.url });
    expect(await ask(owner.url, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
  });

  test('start the server where none runs, and stop it', async () => {
    const client = await connect();
    expect(client.started).toBe(true);

    await client.stop();

    expect(await isServing()).toBe(false);
  });

  test('leave the server to whoever is connected by then; the last one stops it', async () => {
    const [first, second] = await Promise.all([connect(), connect()]);

    await first.stop();
    expect(await ask(second.url, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
    await second.stop();

    expect(await isServing()).toBe(false);
  });

  test('are not cut off by an owner who stops', async () => {
    const owner = await own();
    const client = await connect();

    await owner.stop();

    expect(await ask(client.url, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
    await client.stop();
    expect(await isServing()).toBe(false);
  });

  test('that come and go at once all get a working database', async () => {
    const visits = Array.from({ length: 4 }, async () => {
      const client = await connectEmbedded({ ...options(), command: 'status' });
      const rows = await ask(client.url, 'SELECT 1 AS n').catch(() => 'was stopped under us');
      await client.stop();
      return rows;
    });

    expect(new Set((await Promise.all(visits)).map((rows) => JSON.stringify(rows)))).toEqual(
      new Set(['[{"n":1}]']),
    );
  });
});

describe('several starts at once on what a power cut left', () => {
  const elsewhere = async (): Promise<number> => {
    await connect(path.join(root, 'elsewhere'));
    return (await readPostmasterFile(path.join(root, 'elsewhere', 'postgres')))?.pid ?? 0;
  };
  test.each([
    ['a process that is gone', () => 4_194_304],
    ['a living process', () => process.pid],
    ['another folder’s PostgreSQL', elsewhere],
  ])('share one server: the file names %s', async (_, named) => {
    const pid = await named();
    for (let round = 0; round < 5; round += 1) {
      // A session that is still ending keeps the server: only a stopped one's file may be replaced.
      do await (await connect()).stop();
      while (await isServing());
      const leftOver = [pid, path.join(dataDir, 'postgres'), 1, 5432, '', '127.0.0.1', '', 'ready'];
      await writeFile(path.join(dataDir, 'postgres', 'postmaster.pid'), leftOver.join('\n'));

      const users = await Promise.all(Array.from({ length: 4 }, () => connect()));

      expect(users.filter(({ started }) => started)).toHaveLength(1);
      expect(new Set(users.map(({ url }) => url)).size).toBe(1);
      await Promise.all(users.map((user) => user.stop()));
    }
  });
});

describe('two first starts at once', () => {
  test('make one database and clean up after one that was killed', async () => {
    const folder = path.join(root, 'together');
    await mkdir(path.join(folder, 'postgres.new-0000'), { recursive: true });
    await utimes(path.join(folder, 'postgres.new-0000'), 0, 0);

    const [first, second] = await Promise.all([connect(folder), connect(folder)]);
    await ask(first.url, 'CREATE TABLE shared AS SELECT 3 AS n');

    expect(await ask(second.url, 'SELECT n FROM shared')).toEqual([{ n: 3 }]);
    expect((await readdir(folder)).filter((name) => name.includes('.new-'))).toEqual([]);
  });
});

describe('a folder that cannot be used', () => {
  test('is named, with what to do', async () => {
    const file = path.join(root, 'file');
    await writeFile(file, '');

    await expect(own(path.join(file, 'data'))).rejects.toThrow(
      /data folder .* cannot be made .*DESKHAND_DATA/s,
    );
  });

  test('made by another PostgreSQL version is refused', async () => {
    const folder = path.join(root, 'old');
    await mkdir(path.join(folder, 'postgres'), { recursive: true });
    await writeFile(path.join(folder, 'postgres', 'PG_VERSION'), '12\n');

    await expect(own(folder)).rejects.toThrow(/made by PostgreSQL 12, this Deskhand brings 18/);
  });
});

describe.runIf(isRoot)('as root', () => {
  test('the server runs as somebody else', async () => {
    await own();
    const server = await readPostmasterFile(path.join(dataDir, 'postgres'));

    const status = await readFile(`/proc/${server?.pid}/status`, 'utf8');

    expect(status).toMatch(/^Uid:\t65534\t65534/m);
  });

  test('in a folder that only root may enter, the data go where the server can reach them', async () => {
    const closed = path.join(root, 'closed');
    await mkdir(closed, { mode: 0o700 });

    const embedded = await own(path.join(closed, 'data'));

    expect(await ask(embedded.url, 'SELECT 1 AS n')).toEqual([{ n: 1 }]);
    expect(said.join('\n')).toContain('the database is kept elsewhere');
    expect(await readdir(path.join(closed, 'data'))).not.toContain('postgres');
  });

  test('a data folder that root keeps to itself is opened to the server only', async () => {
    const folder = path.join(root, 'private');
    await mkdir(folder, { mode: 0o700 });

    const place = await choosePlace(folder, path.join(root, 'shared'));

    expect(place.base).toBe(folder);
    expect((await stat(folder)).mode & 0o777).toBe(0o710);
  });

  test('data of a user stay that user’s, if the system knows one of that number', async () => {
    const accountIn = async (name: string, uid: number) => {
      const folder = path.join(root, name);
      await mkdir(folder);
      await chown(folder, uid, uid);
      return (await choosePlace(folder, path.join(root, 'shared'))).account?.uid;
    };

    expect(await accountIn('users', 1)).toBe(1);
    expect(await accountIn('strangers', 4711)).toBe(65534);
  });
});
