import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { slackIds } from '../demo/simulators/slack/state.ts';
import { startSlackStage, type SlackStage } from '../../test/support/slack-stage.ts';

const RULES = `
id: tell
when: { connection: acme, category: Network }
then: [{ slack.post: { channel: "#noc", text: "{{ ticket.title }}", buttons: [acknowledge] } }]
`;
const FORM = 'application/x-www-form-urlencoded';
const JSON_TYPE = 'application/json';

let stage: SlackStage;
beforeAll(async () => {
  stage = await startSlackStage({ rules: RULES });
});
afterAll(() => stage.close());

describe('who may speak for Slack', () => {
  test.each([
    ['another secret', { signingSecret: 'guessed' }, 0],
    ['a time stamp of more than 5 minutes ago', {}, -310],
    ['a time stamp in the future', {}, 310],
    ['a time stamp a year ahead', {}, 31_536_000],
  ])('%s is refused', async (_, signed, seconds) => {
    const how = { ...signed, timestamp: Math.floor(stage.clock.now() / 1000) + seconds };

    const answer = await stage.slack.sendSigned(stage.url, '{"type":"url_verification"}', JSON_TYPE, how);

    expect(answer.status).toBe(401);
  });

  test('a body changed after signing, and one without a signature, are refused', async () => {
    const plain = await fetch(stage.url, {
      method: 'POST',
      body: '{}',
      headers: { 'content-type': JSON_TYPE },
    });
    const unsignedCheck = await fetch(stage.url, {
      method: 'POST',
      body: 'ssl_check=1',
      headers: { 'content-type': FORM },
    });

    expect([plain.status, unsignedCheck.status]).toEqual([401, 401]);
  });

  test.each(['null', '[]', '"x"', '1', '', '{"a":'])('the signed body %s is refused', async (body) => {
    const answer = await stage.slack.sendSigned(stage.url, body, JSON_TYPE);

    expect(answer.status).toBe(400);
  });

  test('a form whose payload is null is refused', async () => {
    const answer = await stage.slack.sendSigned(stage.url, 'payload=null', FORM);

    expect(answer.status).toBe(400);
  });

  test('url_verification and ssl_check are answered', async () => {
    const verification = JSON.stringify({ type: 'url_verification', challenge: 'c-1' });

    const verified = await stage.slack.sendSigned(stage.url, verification, JSON_TYPE);
    const checked = await stage.slack.sendSigned(stage.url, 'ssl_check=1&token=x', FORM);

    expect(verified).toEqual({ status: 200, body: '{"challenge":"c-1"}' });
    expect(checked).toEqual({ status: 200, body: '' });
  });

  test('requests of kinds that nobody knows are taken and do nothing', async () => {
    const answer = await stage.slack.sendSigned(
      stage.url,
      '{"type":"shortcut","user":{"id":"U1"}}',
      JSON_TYPE,
    );

    expect(answer.status).toBe(200);
  });
});

describe('durable before the answer', () => {
  test('a request sent again has one effect', async () => {
    const { id, message } = await stage.ticketWithMessage('Pressed and replayed');
    const body = new URLSearchParams({
      payload: JSON.stringify({
        type: 'block_actions',
        user: { id: slackIds.nora },
        container: { channel_id: message.channel, message_ts: message.ts },
        actions: [{ action_id: 'desk:escalate', action_ts: '17.1', value: `1:${id}` }],
      }),
    }).toString();

    const answers = [];
    for (let n = 0; n < 3; n += 1)
      answers.push(await stage.slack.sendSigned(stage.url, body, FORM, { retry: n }));

    expect(answers.map((answer) => answer.status)).toEqual([200, 200, 200]);
    const { rows } = await sql`
      SELECT 1 FROM runs WHERE rule_id = 'slack:escalate' AND ticket_id = ${String(id)}`.execute(
      stage.app.database.db,
    );
    expect(rows).toHaveLength(1);
  });

  test('while the database hangs every answer is 503 within 2.5 s, and nothing is done twice later', async () => {
    const { id, message } = await stage.ticketWithMessage('Slow database');
    const client = await stage.app.database.connect();
    await client.query('BEGIN');
    await client.query('LOCK TABLE slack_presses, tickets IN ACCESS EXCLUSIVE MODE');

    const timed = async (asked: Promise<{ readonly status: number }>): Promise<[number, number]> => {
      const startedAt = performance.now();
      const { status } = await asked;
      return [status, performance.now() - startedAt];
    };
    const late = await Promise.all([
      timed(stage.slack.pressButton(stage.url, { message, button: 'Acknowledge' })),
      timed(stage.slack.pressButton(stage.url, { message, button: 'Acknowledge' })),
      timed(stage.slack.slashCommand(stage.url, '/desk', { text: `snooze ${id} 2h` })),
      timed(stage.slack.slashCommand(stage.url, '/desk', { text: 'find slow' })),
    ]);
    await client.query('ROLLBACK');
    await client.end();
    await stage.slack.pressButton(stage.url, { message, button: 'desk:acknowledge' }).catch(() => undefined);
    await stage.shows(message, 'took it');

    expect(late.map(([status]) => status)).toEqual([503, 503, 503, 503]);
    expect(Math.max(...late.map(([, tookMs]) => tookMs))).toBeLessThan(2_500);
    const { rows } = await sql<{ by: string }>`
      SELECT acknowledged_by AS by FROM tickets WHERE ticket_id = ${String(id)}`.execute(
      stage.app.database.db,
    );
    expect(rows).toEqual([{ by: 'nora@acme.com' }]);
    const done = await sql`
      SELECT 1 FROM slack_presses WHERE ticket_id = ${String(id)} AND detail LIKE 'Acknowledged%'`.execute(
      stage.app.database.db,
    );
    expect(done.rows).toHaveLength(1);
  });
});
