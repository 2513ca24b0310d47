import { sql } from 'kysely';
import { expect, test } from 'vitest';
import { startSlackStage } from '../../test/support/slack-stage.ts';
import { until } from '../../test/support/until.ts';

const RULES = `
id: tell
when: { connection: acme, category: Network }
then: [{ slack.post: { channel: "#noc", text: "{{ ticket.title }}", buttons: [acknowledge] } }]
`;

test('when nothing else is to do, the effect of a button is on display within a second', async () => {
  const stage = await startSlackStage({ rules: RULES, speed: 1 });
  try {
    const { message } = await stage.ticketWithMessage('Ack me');
    // Idle: the channel's last message is more than a second old.
    await until('the channel to be free', async () => {
      const { rows } = await sql`SELECT 1 FROM slack_gates WHERE next_at > app_now()`.execute(
        stage.app.database.db,
      );
      return rows.length === 0;
    });

    const startedAt = performance.now();
    await stage.slack.pressButton(stage.url, { message, button: 'Acknowledge' });
    await stage.shows(message, 'took it');
    const tookMs = performance.now() - startedAt;

    expect(tookMs).toBeLessThan(1_000);
  } finally {
    await stage.close();
  }
});
