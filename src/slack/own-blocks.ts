import type { Renderer } from '../act/render.ts';
import type { SlackButton } from '../match/rule.ts';
import { escapeFor } from '../match/template.ts';
import { drawCard, type CardState, type Drawn } from './card.ts';
import { cut, cutMrkdwn, MAX_HEADER, MAX_SECTION } from './text.ts';

/** A rule's own layout: its texts rendered and escaped, within Slack's limits, and our buttons below. */
export function drawOwnBlocks(
  renderer: Renderer,
  blocks: readonly unknown[],
  text: string,
  state: CardState | null,
  buttons: readonly SlackButton[],
): Drawn {
  const own = blocks.map((block) => renderBlock(renderer, block) as object);
  const actions = state === null ? [] : drawCard(state, buttons).blocks.filter(isActions);
  return { text: cutMrkdwn(text, MAX_SECTION), blocks: [...own.slice(0, 50 - actions.length), ...actions] };
}

function isActions(block: object): boolean {
  return (block as { type?: unknown }).type === 'actions';
}

function renderBlock(renderer: Renderer, value: unknown, parent = ''): unknown {
  if (Array.isArray(value)) return value.map((inner) => renderBlock(renderer, inner, parent));
  if (typeof value === 'string') return renderer.text(value, 'none');
  if (typeof value !== 'object' || value === null) return value;
  const { type, text } = value as { type?: unknown; text?: unknown };
  if (typeof text === 'string') return { ...(value as object), text: textOf(renderer, text, type, parent) };
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [
      key,
      renderBlock(renderer, inner, typeof type === 'string' ? type : parent),
    ]),
  );
}

/** Plain text is never parsed by Slack; mrkdwn is, so values in it are escaped. */
function textOf(renderer: Renderer, template: string, type: unknown, parent: string): string {
  const max = parent === 'header' ? MAX_HEADER : MAX_SECTION;
  if (type === 'mrkdwn') return cutMrkdwn(renderer.text(template, 'slack'), max);
  return cut(strip(renderer.text(template, 'none')), max);
}

/** Drops what escaping for Slack drops, without writing out `& < >`. */
function strip(text: string): string {
  return escapeFor(text, 'slack').replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&');
}
