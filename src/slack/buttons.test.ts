import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { NOTHING_KNOWN } from '../match/params.ts';
import { slackIds } from '../demo/simulators/slack/state.ts';
import { until } from '../../test/support/until.ts';
import { startSlackStage, type SlackStage } from '../../test/support/slack-stage.ts';

const RULES = `
id: tell
when: { connection: acme, category: Network }
then:
  - slack.post: { channel: "#noc", text: "New: {{ ticket.title }}", buttons: [acknowledge, assign, snooze, escalate, close] }
---
id: escalate
when: { connection: acme, title: { starts_with: Escalate } }
then:
  - wait: 2h
  - comment: { text: "nobody took it" }
---
id: ask
when: { connection: acme, title: { starts_with: Ask } }
then:
  - slack.ask:
      channel: "#general"
      text: "Reset {{ ticket.title }}?"
      answers:
        Yes: [{ comment: { text: "reset agreed" } }]
        No: [{ comment: { text: "no reset" } }]
  - comment: { text: "after the answer" }
---
id: ask-office
when: { connection: acme, title: { starts_with: Office } }
then:
  - slack.ask:
      channel: "#general"
      text: "Office {{ ticket.title }}?"
      within: { for: 2h, calendar: office }
      default: No
      answers: { No: [{ comment: { text: "no, by the clock" } }] }
---
id: ask-default
when: { connection: acme, title: { starts_with: Default } }
then:
  - slack.ask:
      channel: "#general"
      text: "Default {{ ticket.title }}?"
      within: 1s
      default: No
      answers:
        Yes: [{ comment: { text: "yes" } }]
        No: [{ comment: { text: "no, by the clock" } }]
`;

/** A calendar on which every second hour is worked. */
const HALF_THE_DAY = {
  workingMs: (_: string, fromMs: number, toMs: number) => (toMs - fromMs) / 2,
  addWorkingMs: (_: string, fromMs: number, ms: number) => fromMs + 2 * ms,
};

let stage: SlackStage;
beforeAll(async () => {
  stage = await startSlackStage({
    rules: RULES,
    settings: { allowedGroups: [slackIds.agents], users: { [slackIds.ali]: 'ali@acme.com' } },
    more: { known: NOTHING_KNOWN, matchSettings: { lists: {}, locales: {}, ...HALF_THE_DAY } },
  });
});
afterAll(() => stage.close());

const whispers = (): string[] => stage.slack.state.ephemerals.map((one) => one.text);
const bodies = (id: number): string[] =>
  stage.app.desk.comments(id).map((comment) => comment.body.split('\r\n')[0] ?? '');

async function presses(id: number): Promise<readonly { action: string; state: string; person: string }[]> {
  const { rows } = await sql<{ action: string; state: string; person: string }>`
    SELECT action, state, person FROM slack_presses WHERE ticket_id = ${String(id)} ORDER BY pressed_at`.execute(
    stage.app.database.db,
  );
  return rows;
}

describe('buttons', () => {
  test('acknowledge is shown, and a second press changes nothing', async () => {
    const { id, message } = await stage.ticketWithMessage('Ack me');
    const press = { message, button: 'Acknowledge', user: slackIds.ali };

    const answers = await Promise.all([
      stage.slack.pressButton(stage.url, press),
      stage.slack.pressButton(stage.url, press),
    ]);
    await stage.shows(message, 'ali@acme.com took it');

    expect(answers).toEqual([
      { status: 200, body: '' },
      { status: 200, body: '' },
    ]);
    expect(JSON.stringify(message.blocks)).not.toContain('desk:acknowledge');
    expect(await presses(id)).toMatchObject([
      { action: 'acknowledge', state: 'done', person: 'ali@acme.com' },
      { action: 'acknowledge', state: 'done', person: 'ali@acme.com' },
    ]);
    expect(whispers().filter((text) => text.includes('Acknowledged: it is yours'))).toHaveLength(1);
  });

  test('assign and close reach the desk once, however often they are pressed', async () => {
    const { id, message } = await stage.ticketWithMessage('Take me');
    const by = { message, user: slackIds.nora };

    await Promise.all([
      stage.slack.pressButton(stage.url, { ...by, button: 'Assign to me' }),
      stage.slack.pressButton(stage.url, { ...by, button: 'Assign to me' }),
    ]);
    await until('the assignee', () => stage.app.desk.ticket(id).assignedToUserId !== null);
    await stage.slack.pressButton(stage.url, { ...by, button: 'Close' });
    await stage.shows(message, '✅');

    const writes = stage.app.desk.calls.named('UpdateTicket').length;
    expect(writes).toBeLessThanOrEqual(3);
    expect((await presses(id)).map((press) => press.action).toSorted()).toEqual([
      'assign',
      'assign',
      'close',
    ]);
    expect(JSON.stringify(message.blocks)).not.toContain('"actions"');
  });

  test('somebody outside the allowed groups is refused, and that is on record', async () => {
    const { id, message } = await stage.ticketWithMessage('Not for guests');

    const answer = await stage.slack.pressButton(stage.url, {
      message,
      button: 'Close',
      user: slackIds.guest,
    });
    await until('the refusal', () => whispers().some((text) => text.includes('not in a group')));

    expect(answer.status).toBe(200);
    expect(await presses(id)).toMatchObject([{ action: 'close', state: 'refused' }]);
    expect(stage.app.logged.some((line) => line.includes('refused in Slack'))).toBe(true);
  });

  test('whatever response_url says, answers go to Slack and nowhere else (input 32)', async () => {
    const { message } = await stage.ticketWithMessage('Answered elsewhere');
    const responseUrl = `${stage.app.receiver.url}/forged`;
    const guest = { user: slackIds.guest, responseUrl };
    const before = whispers().length;

    const pressed = await stage.slack.pressButton(stage.url, { message, button: 'Close', ...guest });
    const commanded = await stage.slack.slashCommand(stage.url, '/desk', { text: 'status', ...guest });
    await until('the refusal', () => whispers().length > before);

    expect([pressed.status, commanded.status]).toEqual([200, 200]);
    expect(commanded.body).toContain('not in a group');
    expect(stage.app.receiver.calls.named('forged')).toEqual([]);
  });

  test('a refusal of the desk is told to who asked, and shown on the message', async () => {
    const { message } = await stage.ticketWithMessage('Refuse me');
    stage.app.desk.faults.next('UpdateTicket', { kind: 'status', status: 400, body: 'no such user' });

    await stage.slack.pressButton(stage.url, { message, button: 'Assign to me' });

    await until('the whisper', () => whispers().some((text) => text.includes('The desk did not take it')));
    await stage.shows(message, 'Assigning failed');
    expect(whispers().at(-1)).toContain('Assigning failed');
  });

  test('snooze takes the span of the menu', async () => {
    const { id, message } = await stage.ticketWithMessage('Snooze me');
    const options = JSON.stringify(message.blocks).match(/4h\|\d+:\d+/)?.[0] ?? '';

    await stage.slack.pressButton(stage.url, { message, button: 'desk:snooze', selected: options });
    await stage.shows(message, '💤');

    const { rows } = await sql<{ hours: number }>`
      SELECT round(extract(epoch FROM snoozed_until - app_now()) / 3600)::int AS hours FROM tickets
       WHERE ticket_id = ${String(id)}`.execute(stage.app.database.db);
    expect(rows).toEqual([{ hours: 4 }]);

    await stage.slack.pressButton(stage.url, {
      message,
      button: 'desk:snooze',
      selected: options.replace('4h', 'off'),
    });
    await until('the end of the snooze', () => !JSON.stringify(message.blocks).includes('💤'));
  });

  test('escalate now ends the wait', async () => {
    const { id, message } = await stage.ticketWithMessage('Escalate this');
    await until('the wait', async () => (await stage.steps(id, 'escalate'))[0]?.state === 'waiting');

    await stage.slack.pressButton(stage.url, { message, button: 'Escalate now' });

    await until('the comment', () => bodies(id).includes('nobody took it'));
    expect(whispers().some((text) => text.includes('escalation goes on now'))).toBe(true);
  });

  test('an unknown button is answered and does nothing', async () => {
    const { id, message } = await stage.ticketWithMessage('Unknown button');
    const body = JSON.stringify({
      type: 'block_actions',
      user: { id: slackIds.nora },
      container: { channel_id: message.channel, message_ts: message.ts },
      actions: [{ action_id: 'desk:explode', action_ts: '1.1', value: `1:${id}` }],
    });

    const answer = await stage.slack.sendSigned(
      stage.url,
      new URLSearchParams({ payload: body }).toString(),
      'application/x-www-form-urlencoded',
    );

    expect(answer.status).toBe(200);
    expect(await presses(id)).toEqual([]);
  });
});

describe('slack.ask', () => {
  test('goes on with the steps of the first answer, then with the rest', async () => {
    const id = stage.app.desk.human.create({ subject: 'Ask Berlin' });
    const question = await until('the question', () =>
      stage.slack.messagesIn('general').find((one) => one.text === 'Reset Ask Berlin?'),
    );

    await stage.slack.pressButton(stage.url, { message: question, button: 'Yes' });
    await stage.slack.pressButton(stage.url, { message: question, button: 'No' }).catch(() => null);

    await until('both comments', () => bodies(id).length === 2);
    expect(bodies(id)).toEqual(['reset agreed', 'after the answer']);
    expect((await stage.steps(id, 'ask'))[0]).toMatchObject({ state: 'done', result: { answer: 'Yes' } });
    await until('the buttons to go', () => !JSON.stringify(question.blocks).includes('"actions"'));
  });

  test('counts the time for an answer on its calendar', async () => {
    const id = stage.app.desk.human.create({ subject: 'Office Ankara' });

    const { rows } = await until('the question to wait', async () => {
      const found = await sql<{ hours: number }>`
        SELECT round(extract(epoch FROM s.due_at - app_now()) / 3600)::int AS hours
          FROM steps s JOIN runs r ON r.id = s.run_id
         WHERE r.ticket_id = ${String(id)} AND s.state = 'waiting'`.execute(stage.app.database.db);
      return found.rows.length === 1 && found;
    });

    expect(rows).toEqual([{ hours: 4 }]);
  });

  test('takes the default when nobody answers in time', async () => {
    const id = stage.app.desk.human.create({ subject: 'Default Izmir' });

    await until('the comment', () => bodies(id).includes('no, by the clock'));

    expect((await stage.steps(id, 'ask-default'))[0]?.reason).toContain('nobody answered in time');
  });
});
