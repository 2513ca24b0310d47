import type { SlackMessage } from './simulators/slack/state.ts';

/** Block Kit as HTML, as far as Deskhand uses it. Pure; everything is escaped. */

type Block = Readonly<Record<string, unknown>>;

export function escapeHtml(text: string): string {
  return text
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll("'", '&#39;');
}

/** One message with its thread. @param key proves that a press came from our page */
export function drawMessage(message: SlackMessage, thread: readonly string[], key: string): string {
  const hidden = [
    ['key', key],
    ['channel', message.channel],
    ['ts', message.ts],
  ]
    .map(([name, value]) => `<input type="hidden" name="${name}" value="${escapeHtml(value ?? '')}">`)
    .join('');
  const body =
    message.blocks.length === 0
      ? `<p>${mrkdwnToHtml(message.text)}</p>`
      : message.blocks.map((block) => drawBlock(block, hidden)).join('');
  const replies = thread.map((text) => `<p>${mrkdwnToHtml(text)}</p>`).join('');
  return `<article>${body}${replies === '' ? '' : `<div class="thread">${replies}</div>`}</article>`;
}

function drawBlock(block: Block, hidden: string): string {
  switch (block['type']) {
    case 'header':
      return `<h3>${textOf(block['text'])}</h3>`;
    case 'section': {
      const text = block['text'] === undefined ? '' : `<p>${textOf(block['text'])}</p>`;
      const fields = listOf(block['fields']).map((field) => `<div>${textOf(field)}</div>`);
      const grid = fields.length === 0 ? '' : `<div class="fields">${fields.join('')}</div>`;
      return `${text}${grid}${listOf([block['accessory']])
        .map((one) => drawElement(one, hidden))
        .join('')}`;
    }
    case 'context':
      return `<p class="context">${listOf(block['elements']).map(textOf).join(' · ')}</p>`;
    case 'actions':
      return `<p>${listOf(block['elements'])
        .map((element) => drawElement(element, hidden))
        .join('')}</p>`;
    case 'divider':
      return '<hr>';
    default:
      return '';
  }
}

function drawElement(element: Block, hidden: string): string {
  const id = escapeHtml(stringOf(element['action_id']));
  const form = (inner: string): string =>
    `<form method="post" action="/press">${hidden}<input type="hidden" name="button" value="${id}">${inner}</form>`;
  if (element['type'] === 'button') {
    return form(
      `<button class="${escapeHtml(stringOf(element['style']))}">${textOf(element['text'])}</button>`,
    );
  }
  const options = listOf(element['options']).map(
    (option) => `<option value="${escapeHtml(stringOf(option['value']))}">${textOf(option['text'])}</option>`,
  );
  const title = element['placeholder'] === undefined ? 'More' : textOf(element['placeholder']);
  return form(
    `<select name="selected" onchange="this.form.submit()"><option value="">${title}</option>${options.join('')}</select>`,
  );
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : '';
}

function listOf(value: unknown): readonly Block[] {
  const list: unknown[] = Array.isArray(value) ? value : [];
  return list.filter((one): one is Block => typeof one === 'object' && one !== null);
}

function textOf(value: unknown): string {
  const { type, text } = (value ?? {}) as { type?: unknown; text?: unknown };
  if (typeof text !== 'string') return '';
  return type === 'mrkdwn' ? mrkdwnToHtml(text) : escapeHtml(text);
}

/** Slack's little language: links, dates, bold, code. What Slack would not parse stays text. */
export function mrkdwnToHtml(text: string): string {
  return text
    .split(/(<[^<>]*>)/)
    .map((part) => (/^<.*>$/s.test(part) ? drawToken(part.slice(1, -1)) : drawText(part)))
    .join('')
    .replaceAll('\n', '<br>')
    .replaceAll(/\*([^*\n]+?)\*/g, '<b>$1</b>');
}

function drawToken(token: string): string {
  const [target = '', label] = token.split('|', 2);
  if (/^https?:\/\//.test(target)) {
    return `<a href="${escapeHtml(decode(target))}" rel="noreferrer">${drawText(label ?? target)}</a>`;
  }
  const [, seconds] = /^!date\^(\d{1,12})\^/.exec(target) ?? [];
  if (seconds !== undefined) return `<time>${drawText(label ?? '')}</time>`;
  return `<b class="danger">&lt;${drawText(token)}&gt;</b>`;
}

function drawText(text: string): string {
  return escapeHtml(decode(text));
}

/** Slack writes out only these three. */
function decode(text: string): string {
  return text.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
