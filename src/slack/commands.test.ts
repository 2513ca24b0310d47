import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { slackIds, type SlackMessage } from '../demo/simulators/slack/state.ts';
import { until } from '../../test/support/until.ts';
import { startSlackStage, type SlackStage } from '../../test/support/slack-stage.ts';
import { wordsOf } from './commands.ts';

const RULES = `
id: tell
when: { connection: acme, category: Network }
then: [{ slack.post: { channel: "#noc", text: "{{ ticket.title }}", buttons: [acknowledge] } }]
---
id: burst
on: [comment.added]
when: { connection: acme, comment.text: { contains: burst } }
then: [{ comment: { text: "seen" } }]
limit: { per_ticket: 100/1h, per_rule: 1/1h }
`;

let stage: SlackStage;
beforeAll(async () => {
  stage = await startSlackStage({
    rules: RULES,
    settings: { operationsChannel: '#desk-ops', allowedGroups: [slackIds.agents] },
  });
});
afterAll(() => stage.close());

interface Said {
  readonly status: number;
  readonly body: string;
}

const desk = (text: string, user: string = slackIds.nora): Promise<Said> =>
  stage.slack.slashCommand(stage.url, '/desk', { text, user });

const bodies = (id: number): string[] =>
  stage.app.desk.comments(id).map((comment) => comment.body.split('\r\n')[0] ?? '');

describe('/desk', () => {
  test('explains itself, finds, shows and says why', async () => {
    const { id } = await stage.ticketWithMessage('Switch of Bursa');

    const help = await desk('');
    const found = await desk('find bursa');
    const shown = await desk(`show #${id}`);
    // The message stands in Slack a moment before its step is recorded.
    const why = await until('the recorded step', async () => {
      const answer = await desk(`why acme/${id}`);
      return answer.body.includes('slack.post done') && answer;
    });

    expect(help.body).toContain('/desk find TEXT');
    expect(JSON.parse(found.body)).toMatchObject({ response_type: 'ephemeral', text: '1 found' });
    expect(shown.body).toContain('Switch of Bursa');
    expect(shown.body).toContain('desk:close');
    expect(why.body).toContain('`tell` ran');
    expect(why.body).toContain('`burst` did not match');
  });

  test('assigns, comments internally, snoozes and mutes', async () => {
    const { id } = await stage.ticketWithMessage('Commanded');

    const said = [
      await desk(`assign ${id}`),
      await desk(`comment ${id} "quoted" <text>\nsecond line`),
      await desk(`snooze ${id} 2h`),
      await desk(`mute tell ${id} 3h`),
      await desk(`snooze ${id} forever`),
      await desk(`mute tel ${id}`),
    ].map((one) => one.body);

    await until('the assignee', () => stage.app.desk.ticket(id).assignedToUserId !== null);
    await until('the comment', () => bodies(id).length > 0);
    expect(bodies(id)[0]).toContain('"quoted"');
    expect(stage.app.desk.comments(id)[0]?.forTechsOnly).toBe(true);
    expect(said[2]).toContain('Snoozed for 2h');
    expect(said[3]).toContain('is muted for 3h');
    expect(said[4]).toContain('For how long?');
    expect(said[5]).toContain('There is no rule tel. Did you mean \\"tell\\"?');
  });

  test('says status, and stops and starts everything', async () => {
    const paused = await desk('pause-all switch change');
    const status = await desk('status');
    const resumed = await desk('resume-all');

    expect(paused.body).toContain('stopped');
    expect(status.body).toContain('switch change');
    expect(resumed.body).toContain('Actions go on');
    expect((await desk('oncall')).body).toContain('No on-call rota');
  });

  test('refuses people outside the groups, and unknown tickets', async () => {
    expect((await desk('status', slackIds.guest)).body).toContain('not in a group');
    expect((await desk('show 999999')).body).toContain('There is no ticket');
  });

  test('splits words as people quote them', () => {
    expect(wordsOf('assign 12 "Nora Yilmaz"\n x')).toEqual(['assign', '12', 'Nora Yilmaz', 'x']);
  });
});

describe('dialog and home', () => {
  test('a comment is internal unless the person says otherwise', async () => {
    const { id } = await stage.ticketWithMessage('Dialog');

    await desk(`comment ${id}`);
    const view = stage.slack.state.views.at(-1);
    const values = {
      text: { text: { type: 'plain_text_input', value: 'from the dialog' } },
      who: { who: { type: 'radio_buttons', selected_option: { value: 'internal' } } },
    };
    const answers = [
      await stage.slack.submitView(stage.url, view?.id ?? '', values),
      await stage.slack.submitView(stage.url, view?.id ?? '', values, { retry: 1 }),
    ];

    await until('the comment', () => bodies(id).length > 0);
    expect(answers.map((answer) => answer.status)).toEqual([200, 200]);
    expect(bodies(id)).toEqual(['from the dialog']);
    expect(stage.app.desk.comments(id)[0]?.forTechsOnly).toBe(true);
  });

  test('the home shows my tickets', async () => {
    const { id } = await stage.ticketWithMessage('At home');
    await desk(`assign ${id}`);
    await until('the assignee', () => stage.app.desk.ticket(id).assignedToUserId !== null);

    await until('the home', async () => {
      await stage.slack.event(stage.url, { type: 'app_home_opened', user: slackIds.nora, tab: 'home' });
      return JSON.stringify(stage.slack.state.views.at(-1)).includes('At home');
    });

    expect(stage.slack.state.views.at(-1)).toMatchObject({ method: 'views.publish', userId: slackIds.nora });
  });
});

/** Lets rule `burst` run over its limit; @returns the notice about it and the ticket */
async function burst(subject: string): Promise<{ readonly id: number; readonly notice: SlackMessage }> {
  const told = stage.slack.messagesIn('desk-ops').length;
  const { id } = await stage.ticketWithMessage(subject);
  stage.app.desk.human.comment(id, 'burst 1', { by: 'requester' });
  await until('the first run', async () => (await stage.steps(id, 'burst')).length === 1);
  stage.app.desk.human.comment(id, 'burst 2', { by: 'requester' });
  const notice = await until('the notice', () =>
    stage.slack
      .messagesIn('desk-ops')
      .slice(told)
      .find((message) => message.text.includes('burst is paused')),
  );
  return { id, notice };
}

const heldRuns = async (): Promise<readonly string[]> => {
  const { rows } = await sql<{ state: string }>`
    SELECT state FROM runs WHERE rule_id = 'burst' ORDER BY id`.execute(stage.app.database.db);
  return rows.map((row) => row.state);
};

describe('a rule that ran over its limit is told in the operations channel', () => {
  test('and goes on with what waited by one button', async () => {
    const { id, notice } = await burst('Bursting');

    await stage.slack.pressButton(stage.url, { message: notice, button: 'Resume and run what waits' });

    await until('both runs', () => bodies(id).filter((body) => body === 'seen').length === 2);
    expect(stage.slack.messagesIn('desk-ops')).toHaveLength(1);
  });

  test('and without it by the other', async () => {
    await sql`UPDATE runs SET created_at = created_at - interval '2 hours'`.execute(stage.app.database.db);
    const { id, notice } = await burst('Bursting again');
    await until('the held run', async () => (await heldRuns()).includes('held'));

    await stage.slack.pressButton(stage.url, { message: notice, button: 'Resume and discard what waits' });

    await until('the decision', async () => !(await heldRuns()).includes('held'));
    expect((await heldRuns()).at(-1)).toBe('ended');
    expect(bodies(id).filter((body) => body === 'seen')).toHaveLength(1);
    expect((await desk('status')).body).not.toContain('burst');
    const { rows } = await sql`
      SELECT person, state FROM slack_presses WHERE action = 'resume rule burst: discard'`.execute(
      stage.app.database.db,
    );
    expect(rows).toEqual([{ person: 'nora@acme.com', state: 'done' }]);
  });
});

test('pause-all stops what is drawn and posted too, and what people asked for is done afterwards', async () => {
  const { id, message } = await stage.ticketWithMessage('While all rests');
  await until('the posted step', async () => (await stage.steps(id, 'tell'))[0]?.state === 'done');
  await desk('pause-all drill');
  const calls = (): number => stage.slack.calls.all.filter((call) => call.name.startsWith('chat.')).length;
  const before = calls();

  stage.app.desk.human.edit(id, { priority: 2 });
  const other = stage.app.desk.human.create({ subject: 'Another one', category: 'Network' });
  const closing = await desk(`assign ${id}`);
  await until('the change to be seen', async () => (await stage.steps(other, 'tell')).length === 1);
  const due = await until('a message to be due', async () => {
    const { rows } = await sql`SELECT 1 FROM slack_changes`.execute(stage.app.database.db);
    return rows.length > 0;
  });
  const during = calls() - before;
  await desk('resume-all');
  await stage.shows(message, '🔴');

  expect(due).toBe(true);
  expect(during).toBe(0);
  expect(closing.body).toContain('done when actions go on');
  await until('the assignee', () => stage.app.desk.ticket(id).assignedToUserId !== null);
  await until('the other message', () =>
    stage.slack.messages.some((one) => one.text.includes('Another one')),
  );
});
