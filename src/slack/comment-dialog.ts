import { readTicketView } from '../record/slack-messages.ts';
import type { Submission } from './bodies.ts';
import { headline, readTicketRef, section, ticketRef } from './card.ts';
import { readActor } from './people.ts';
import { act, type ActDeps } from './press.ts';
import { cardStateOf } from './state.ts';

/** A dialog for a comment; internal unless the person says otherwise. */
const CALLBACK = 'desk:comment';
const MAX_COMMENT = 3_000;

export async function openCommentDialog(
  triggerId: string,
  ticket: { readonly connectionId: number; readonly ticketId: string },
  channel: string | null,
  deps: ActDeps,
): Promise<void> {
  const view = await readTicketView(deps.database.db, ticket.connectionId, ticket.ticketId);
  const title = view === null ? ticket.ticketId : headline(cardStateOf(view, null));
  await deps.api.openView(
    triggerId,
    drawDialog(title, ticketRef(ticket.connectionId, ticket.ticketId), channel),
  );
}

function drawDialog(title: string, ref: string, channel: string | null): object {
  const plain = (text: string): object => ({ type: 'plain_text', text });
  const option = (value: string, text: string): object => ({ text: plain(text), value });
  const internal = option('internal', 'Internal: only agents see it');
  return {
    type: 'modal',
    callback_id: CALLBACK,
    private_metadata: JSON.stringify({ ref, channel }),
    title: plain('Comment'),
    submit: plain('Send'),
    close: plain('Cancel'),
    blocks: [
      section(title),
      {
        type: 'input',
        block_id: 'text',
        label: plain('Comment'),
        element: { type: 'plain_text_input', action_id: 'text', multiline: true, max_length: MAX_COMMENT },
      },
      {
        type: 'input',
        block_id: 'who',
        label: plain('Who sees it'),
        element: {
          type: 'radio_buttons',
          action_id: 'who',
          initial_option: internal,
          options: [internal, option('public', 'Public: the customer sees it too')],
        },
      },
    ],
  };
}

/** @returns null to close the dialog, or what is wrong */
export async function submitComment(
  { user, view }: Submission,
  deps: ActDeps,
): Promise<Readonly<Record<string, string>> | null> {
  if (view.callback_id !== CALLBACK) return null;
  const { ref, channel } = readPrivate(view.private_metadata);
  const ticket = readTicketRef(ref);
  if (ticket === null) return { text: 'This dialog is not known any more.' };
  const text = valueOf(view.state.values, 'text', 'value').trim();
  if (text === '') return { text: 'Write something.' };
  const actor = await readActor(user.id, deps.people);
  const isPublic = valueOf(view.state.values, 'who', 'selected_option') === 'public';
  const acted = await act(
    {
      key: `view:${user.id}:${view.id}`,
      kind: isPublic ? 'comment-public' : 'comment',
      actor,
      ...ticket,
      channel,
      ts: null,
      text,
    },
    deps,
  );
  return acted.state === 'refused' ? { text: acted.message } : null;
}

function readPrivate(text: string): { readonly ref: string; readonly channel: string | null } {
  try {
    const value = JSON.parse(text) as { ref?: unknown; channel?: unknown };
    return {
      ref: typeof value.ref === 'string' ? value.ref : '',
      channel: typeof value.channel === 'string' && value.channel !== '' ? value.channel : null,
    };
  } catch {
    return { ref: '', channel: null };
  }
}

function valueOf(values: Submission['view']['state']['values'], block: string, key: string): string {
  const found = values[block]?.[block]?.[key];
  const value = typeof found === 'object' && found !== null ? (found as { value?: unknown }).value : found;
  return typeof value === 'string' ? value : '';
}
