import { once } from 'node:events';
import { rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { ownFolder } from './support/folder.ts';
import { launchServer } from './torture/process.ts';

test('a process that waits for a database that says nothing ends when it is told to', async () => {
  const folder = await ownFolder('deskhand-stop');
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  await writeFile(
    join(folder, 'deskhand.yaml'),
    'connections: { in: { vendor: webhook, webhook_secret: a-secret-of-this-test } }\n',
  );
  const silent = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void silent.close());
  await once(silent, 'listening');
  const asked = once(silent, 'connection');
  const server = launchServer({
    DATABASE_URL: `postgres://u:p@127.0.0.1:${(silent.address() as AddressInfo).port}/x`,
    DESKHAND_CONFIG: join(folder, 'deskhand.yaml'),
    DESKHAND_RULES: join(folder, 'rules'),
  });

  await Promise.race([asked, server.ready]);
  const { code, ms } = await server.stop();

  expect(code).toBe(0);
  expect(ms).toBeLessThan(9_000);
}, 60_000);
