import { ticketsOf } from '../record/slack-messages.ts';
import { drawRow, section } from './card.ts';
import { readActor } from './people.ts';
import type { ActDeps } from './press.ts';
import { cardStateOf } from './state.ts';
import { moment } from './text.ts';

/** A home tab shows 100 blocks at most. */
const MOST = 40;

/** The app's home: a person's open tickets by deadline, and what they silenced. */
export async function publishHome(userId: string, deps: ActDeps): Promise<void> {
  const actor = await readActor(userId, deps.people);
  await deps.api.publishHome(userId, { type: 'home', blocks: await drawHome(actor.email, deps) });
}

async function drawHome(email: string | null, deps: ActDeps): Promise<readonly object[]> {
  if (email === null) {
    return [section('Slack does not tell your e-mail, so Deskhand does not know which tickets are yours.')];
  }
  const states = (await ticketsOf(deps.database.db, email, MOST)).map((view) =>
    cardStateOf(view, deps.store),
  );
  const awake = states.filter((state) => state.snoozedUntil === null);
  const asleep = states.filter((state) => state.snoozedUntil !== null);
  const rows = (list: typeof states): object[] =>
    list.flatMap((state) => {
      const due = state.ticket.due_at ?? state.ticket.sla.resolution_due_at;
      const note = state.snoozedUntil ?? due;
      const word = state.snoozedUntil === null ? 'Deadline' : 'Snoozed until';
      const context = {
        type: 'context',
        elements: [{ type: 'mrkdwn', text: `${word} ${moment(note ?? '', '{date_short_pretty} {time}')}` }],
      };
      return note === null ? [drawRow(state)] : [drawRow(state), context];
    });
  return [
    { type: 'header', text: { type: 'plain_text', text: 'My tickets' } },
    ...(awake.length === 0 ? [section('Nothing is waiting for you.')] : rows(awake)),
    ...(asleep.length === 0 ? [] : [{ type: 'divider' }, section('*Snoozed*'), ...rows(asleep)]),
  ];
}
