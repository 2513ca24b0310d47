import { createHash } from 'node:crypto';
import type { SlackButton } from '../match/rule.ts';
import { FINAL_PHASES, type Person, type Ticket } from '../ticket.ts';
import { cut, cutMrkdwn, literalInline, link, MAX_FIELD, MAX_HEADER, MAX_SECTION, moment } from './text.ts';

/**
 * A ticket as a person sees it in Slack: in comes its state, out go blocks and a plain text. Pure, and the same state
 * always gives the same blocks, so that nothing is redrawn in vain.
 */

/** All that a card shows. */
export interface CardState {
  readonly connectionId: number;
  readonly connection: string;
  readonly ticket: Ticket;
  readonly gone: boolean;
  readonly acknowledgedBy: string | null;
  /** Null: nobody snoozed it, or that is over. */
  readonly snoozedUntil: string | null;
  /** The rule's text, escaped. */
  readonly lead: string;
  /** What the last press of a button came to, where a person should know: literal. */
  readonly notice: string | null;
  /** How many tickets like it stand in its message's thread; default 0. */
  readonly similar?: number;
}

/** A message as Slack takes it. */
export interface Drawn {
  readonly text: string;
  readonly blocks: readonly object[];
}

/** Ticket in a button's value: `3:1042`. */
export function ticketRef(connectionId: number, ticketId: string): string {
  return `${connectionId}:${ticketId}`;
}

/** The other way round; null when it is none. */
export function readTicketRef(
  ref: string,
): { readonly connectionId: number; readonly ticketId: string } | null {
  const [, connection, ticketId] = /^(\d{1,9}):(.+)$/su.exec(ref) ?? [];
  return connection === undefined || ticketId === undefined
    ? null
    : { connectionId: Number(connection), ticketId };
}

const COLOURS = { low: '⚪', normal: '🔵', high: '🟡', urgent: '🟠', critical: '🔴' } as const;

/** The mark that the eye finds first: done, or how bad it is. */
export function markOf({ ticket, gone }: Pick<CardState, 'ticket' | 'gone'>): string {
  if (gone) return '🗑️';
  if (FINAL_PHASES.includes(ticket.phase)) return '✅';
  const level = ticket.priority?.level ?? null;
  return level === null ? '⚫' : COLOURS[level];
}

/** `🔴 *<url|#1042 VPN down>*` */
export function headline(state: Pick<CardState, 'ticket' | 'gone'>, max = MAX_HEADER): string {
  const { ticket } = state;
  const name = `${ticket.display_id ?? ticket.id} ${ticket.title ?? ''}`.trim();
  return `${markOf(state)} *${link(ticket.url, cutMrkdwn(literalInline(cut(name, max)), max * 2))}*`;
}

/** The whole card. */
export function drawCard(state: CardState, buttons: readonly SlackButton[]): Drawn {
  const open = !state.gone && !FINAL_PHASES.includes(state.ticket.phase);
  const blocks: object[] = [section(headline(state))];
  if (state.lead.trim() !== '') blocks.push(section(cutMrkdwn(state.lead, MAX_SECTION)));
  blocks.push({ type: 'section', fields: fieldsOf(state).map((text) => mrkdwn(cutMrkdwn(text, MAX_FIELD))) });
  blocks.push({
    type: 'context',
    elements: contextOf(state).map((text) => mrkdwn(cutMrkdwn(text, MAX_FIELD))),
  });
  const actions = buttonsOf(state, buttons);
  if (open && actions.length > 0) blocks.push({ type: 'actions', elements: actions });
  return { text: cutMrkdwn(state.lead.trim() === '' ? headline(state) : state.lead, MAX_SECTION), blocks };
}

function fieldsOf({ ticket }: CardState): string[] {
  const deadline = ticket.due_at ?? ticket.sla.resolution_due_at ?? ticket.sla.response_due_at;
  const fields = [
    `*Status*\n${literalInline(cut(statusOf(ticket), MAX_HEADER))}`,
    `*Priority*\n${literalInline(cut(ticket.priority?.name ?? ticket.priority?.level ?? '–', MAX_HEADER))}`,
    `*Assignee*\n${personName(ticket.assignee) ?? 'nobody'}`,
    `*Requester*\n${personName(ticket.requester) ?? '–'}`,
  ];
  if (ticket.created_at !== null) fields.push(`*Opened*\n${moment(ticket.created_at, '{ago}')}`);
  if (deadline !== null) fields.push(`*Deadline*\n${moment(deadline, '{date_short_pretty} {time}')}`);
  return fields;
}

function statusOf({ status, phase }: Ticket): string {
  return status?.name ?? (phase === 'unknown' ? '–' : phase);
}

function contextOf(state: CardState): string[] {
  const { ticket } = state;
  const where = [state.connection, ticket.queue?.name, ticket.category?.path ?? ticket.category?.name];
  const lines = [`*${whoActs(state)}*`];
  if (state.snoozedUntil !== null)
    lines.push(`💤 until ${moment(state.snoozedUntil, '{date_short_pretty} {time}')}`);
  lines.push(
    [...new Set(where)]
      .filter((name) => name !== null && name !== undefined && name !== '')
      .map((name) => literalInline(cut(name ?? '', MAX_HEADER)))
      .join(' · '),
  );
  if (state.similar !== undefined && state.similar > 0) lines.push(similarIn(state.similar));
  if (state.notice !== null) lines.push(literalInline(cut(state.notice, 300)));
  return lines;
}

function similarIn(count: number): string {
  return `🧵 *${count}* similar ${count === 1 ? 'ticket' : 'tickets'} in the thread`;
}

/** Whose move it is, in a few words. */
export function whoActs(state: CardState): string {
  const { ticket, gone } = state;
  if (gone) return 'This ticket is gone';
  if (FINAL_PHASES.includes(ticket.phase)) return `Nothing to do: ${ticket.phase}`;
  if (ticket.phase === 'waiting' || ticket.awaiting === 'customer') return '⏳ The customer is asked';
  const assignee = personName(ticket.assignee);
  if (state.acknowledgedBy !== null) {
    return `👀 ${literalInline(cut(state.acknowledgedBy, MAX_HEADER))} took it`;
  }
  return assignee === null ? '❗ Nobody has it yet' : `👤 ${assignee} acts now`;
}

function personName(person: Person | null): string | null {
  const name = person?.name ?? person?.email ?? person?.id ?? null;
  return name === null ? null : literalInline(cut(name, MAX_HEADER));
}

const SNOOZES = [
  ['30m', '30 minutes'],
  ['1h', '1 hour'],
  ['4h', '4 hours'],
  ['1d', '1 day'],
  ['3d', '3 days'],
] as const;

function buttonsOf(state: CardState, wanted: readonly SlackButton[]): object[] {
  const ref = ticketRef(state.connectionId, state.ticket.id);
  const button = (kind: SlackButton, label: string, more: object = {}): object => ({
    type: 'button',
    action_id: `desk:${kind}`,
    text: { type: 'plain_text', text: label },
    value: ref,
    ...more,
  });
  return [...new Set(wanted)].flatMap((kind): object[] => {
    switch (kind) {
      case 'acknowledge':
        return state.acknowledgedBy === null ? [button(kind, 'Acknowledge', { style: 'primary' })] : [];
      case 'assign':
        return [button(kind, 'Assign to me')];
      case 'snooze':
        return [snoozeMenu(ref, state.snoozedUntil !== null)];
      case 'escalate':
        return [button(kind, 'Escalate now', { style: 'danger' })];
      case 'close':
        return [button(kind, 'Close', { confirm: confirmClose() })];
    }
  });
}

function confirmClose(): object {
  const plain = (text: string): object => ({ type: 'plain_text', text });
  return {
    title: plain('Close this ticket?'),
    text: plain('The customer may be told by the desk.'),
    confirm: plain('Close'),
    deny: plain('Cancel'),
  };
}

function snoozeMenu(ref: string, snoozed: boolean): object {
  const spans = snoozed ? [...SNOOZES, ['off', 'Not any more'] as const] : SNOOZES;
  return {
    type: 'static_select',
    action_id: 'desk:snooze',
    placeholder: { type: 'plain_text', text: 'Snooze' },
    options: spans.map(([value, label]) => ({
      text: { type: 'plain_text', text: label },
      value: `${value}|${ref}`,
    })),
  };
}

/** A digest's line of one ticket, with a small menu beside it. */
export function drawRow(state: CardState): object {
  const ref = ticketRef(state.connectionId, state.ticket.id);
  const facts = [
    literalInline(cut(statusOf(state.ticket), 40)),
    literalInline(cut(state.ticket.priority?.name ?? state.ticket.priority?.level ?? '', 40)),
    whoActs(state),
    ...(state.snoozedUntil === null
      ? []
      : [`💤 until ${moment(state.snoozedUntil, '{date_short_pretty} {time}')}`]),
    ...(state.similar === undefined || state.similar === 0 ? [] : [similarIn(state.similar)]),
    ...(state.notice === null ? [] : [literalInline(cut(state.notice, 120))]),
  ].filter((fact) => fact !== '');
  const open = !state.gone && !FINAL_PHASES.includes(state.ticket.phase);
  const options = menuOf(state).map(([value, label]) => ({
    text: { type: 'plain_text', text: label },
    value: `${value}|${ref}`,
  }));
  return {
    ...section(`${headline(state, 100)}\n${facts.join(' · ')}`),
    ...(open ? { accessory: { type: 'overflow', action_id: 'desk:menu', options } } : {}),
  };
}

/** Slack takes at most five choices here. */
function menuOf({ acknowledgedBy, snoozedUntil }: CardState): readonly (readonly [string, string])[] {
  return [
    ...(acknowledgedBy === null ? ([['acknowledge', 'Acknowledge']] as const) : []),
    ['assign', 'Assign to me'],
    snoozedUntil === null ? ['snooze', 'Snooze for 1 hour'] : ['wake', 'End the snooze'],
    ['escalate', 'Escalate now'],
    ['close', 'Close'],
  ];
}

/** Many tickets in one message. @param lines news that belong to no ticket, escaped */
export function drawDigest(states: readonly CardState[], lines: readonly string[] = []): Drawn {
  const count = states.length + lines.length;
  const title = `*${count} messages at once*`;
  return {
    text: cutMrkdwn(
      `${count} messages at once: ${[...states.map((s) => s.lead), ...lines].join(' · ')}`,
      MAX_SECTION,
    ),
    blocks: [section(title), ...states.map(drawRow), ...drawLines(lines)],
  };
}

const LINES_PER_SECTION = 10;

function drawLines(lines: readonly string[]): object[] {
  const sections: object[] = [];
  for (let start = 0; start < lines.length; start += LINES_PER_SECTION) {
    const part = lines.slice(start, start + LINES_PER_SECTION).map((line) => `• ${cutMrkdwn(line, 280)}`);
    sections.push(section(cutMrkdwn(part.join('\n'), MAX_SECTION)));
  }
  return sections;
}

/** What a redraw compares. */
export function hashDrawn(drawn: Drawn): string {
  return createHash('sha256').update(JSON.stringify(drawn)).digest('hex').slice(0, 32);
}

/** Block Kit text. */
export function mrkdwn(text: string): object {
  return { type: 'mrkdwn', text };
}

/** A section of text. */
export function section(text: string): object {
  return { type: 'section', text: mrkdwn(text) };
}
