import { serve } from '@hono/node-server';
import { Hono } from 'hono';
import pg from 'pg';
import { createBatcher } from '../src/record/batcher.ts';

/** What the machine can do at best: `tsx bench/floors.ts parse` or `… insert` (with DATABASE_URL). Prints its port. */
const [kind = 'parse'] = process.argv.slice(2);
const app = new Hono();

if (kind === 'parse') {
  app.post('/in', async (c) => {
    const body = JSON.parse(Buffer.from(await c.req.arrayBuffer()).toString('utf8')) as object;
    return c.json({ keys: Object.keys(body).length }, 202);
  });
} else {
  const pool = new pg.Pool({ connectionString: process.env['DATABASE_URL'], max: 10 });
  await pool.query(
    'CREATE TABLE IF NOT EXISTS floor (id bigint GENERATED ALWAYS AS IDENTITY, raw bytea NOT NULL)',
  );
  const batcher = createBatcher(
    async (rows: readonly Buffer[]) => {
      await pool.query({
        name: 'floor',
        text: 'INSERT INTO floor (raw) SELECT * FROM unnest($1::bytea[])',
        values: [rows],
      });
      return rows.map(() => true);
    },
    { maxItems: 100, inFlight: 2 },
  );
  app.post('/in', async (c) => {
    const raw = Buffer.from(await c.req.arrayBuffer());
    JSON.parse(raw.toString('utf8'));
    await batcher.add(raw);
    return c.json({ ok: true }, 202);
  });
}
serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, (info) =>
  console.log(JSON.stringify({ port: info.port })),
);
