import { Script } from 'node:vm';
import { expect, test } from 'vitest';
import { startSlackStage } from '../../test/support/slack-stage.ts';
import { until } from '../../test/support/until.ts';
import { startSlackPage } from './slack-page.ts';

/** The page in front of a real Deskhand, used as a browser uses it: its forms are read from its HTML and submitted. */

const RULES = `
id: tell
when: { connection: acme, category: Network }
then: [{ slack.post: { channel: "#noc", text: "{{ ticket.title }}", buttons: [acknowledge, assign, snooze, close] } }]
`;

interface Form {
  readonly action: string;
  readonly fields: Readonly<Record<string, string>>;
  /** Label of a button, or title of a menu. */
  readonly label: string;
  /** Text → value of a menu's options. */
  readonly options: ReadonlyMap<string, string>;
}

function formsOf(html: string): readonly Form[] {
  return [...html.matchAll(/<form method="post" action="([^"]+)">(.*?)<\/form>/gs)].map(
    ([, action, inner]) => {
      const body = inner ?? '';
      const fields = [...body.matchAll(/<input type="hidden" name="([^"]+)" value="([^"]*)">/g)];
      const options = [...body.matchAll(/<option value="([^"]*)">([^<]*)<\/option>/g)];
      const label = /<button[^>]*>([^<]*)<\/button>/.exec(body)?.[1] ?? options[0]?.[2] ?? '';
      return {
        action: action ?? '',
        fields: Object.fromEntries(fields.map(([, name, value]) => [name ?? '', value ?? ''])),
        label,
        options: new Map(options.map(([, value, text]) => [text ?? '', value ?? ''])),
      };
    },
  );
}

test('its buttons and menus act on the desk, and it shows what came of them', async () => {
  const stage = await startSlackStage({ rules: RULES });
  const page = await startSlackPage({ slack: stage.slack, eventsUrl: stage.url, port: 0 });
  try {
    const { id } = await stage.ticketWithMessage('Pressed on the page');
    const shown = async (path: string): Promise<string> => (await fetch(`${page.url}${path}`)).text();
    const submit = async (label: string, option?: string): Promise<number> => {
      const form = await until(`a form ${label}`, async () =>
        formsOf(await shown('/messages')).find((one) => one.label === label),
      );
      const selected = option === undefined ? {} : { selected: form.options.get(option) ?? '' };
      const body = new URLSearchParams({ ...form.fields, ...selected });
      const answer = await fetch(`${page.url}${form.action}`, { method: 'POST', body, redirect: 'manual' });
      return answer.status;
    };
    const shows = (text: string): Promise<unknown> =>
      until(`the page to show ${text}`, async () => (await shown('/messages')).includes(text), 30_000);

    const whole = await shown('/');
    const statuses = [await submit('Acknowledge')];
    await shows('nora@acme.com took it');
    statuses.push(await submit('Snooze', '4 hours'));
    await shows('💤');
    statuses.push(await submit('Assign to me'));
    await until('the assignee', () => stage.app.desk.ticket(id).assignedToUserId !== null, 30_000);
    statuses.push(await submit('Close'));
    await shows('✅');

    expect(statuses).toEqual([303, 303, 303, 303]);
    expect(await shown('/messages')).toContain('Only you see this: Acknowledged: it is yours.');
    // The script that looks again every second is one that a browser can read.
    const script = /<script>(.*?)<\/script>/s.exec(whole)?.[1] ?? '';
    expect(() => new Script(script)).not.toThrow();
    expect(script).toContain("fetch('/messages')");
  } finally {
    await page.close();
    await stage.close();
  }
}, 120_000);
