import type { createRendering, Renderer } from '../act/render.ts';
import { withFreshTicket } from '../match/matcher.ts';
import type { Rule, SlackButton } from '../match/rule.ts';
import { allSteps } from '../match/steps.ts';
import { escapeFor, TemplateError } from '../match/template.ts';
import type { Origin } from '../record/slack-messages.ts';
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

/** What rendering a rule's texts once more takes. */
export interface LayoutDeps {
  readonly ruleOf: (versionId: number) => Promise<Rule>;
  readonly rendering: ReturnType<typeof createRendering>;
  /** Rota → who has it now. */
  readonly onCall: () => Readonly<Record<string, string>>;
}

/**
 * The same layout with the ticket as it is now; what else its texts name is as it was when it was posted.
 *
 * @param origin null: not kept any more
 * @returns null where its texts cannot be rendered any more: what stands there stays
 */
export async function drawLayout(
  origin: Origin | null,
  state: CardState,
  buttons: readonly SlackButton[],
  deps: LayoutDeps,
): Promise<Drawn | null> {
  if (origin === null) return null;
  const { event, path, ruleVersionId, runId } = origin;
  const rule = await deps.ruleOf(ruleVersionId);
  const step = [...allSteps(rule.then)].find((one) => one.path === path);
  if (step?.action !== 'slack.post' || step.params.blocks === undefined) return null;
  const scope = { event: withFreshTicket(event, state.ticket), rule, runId, oncall: deps.onCall() };
  const renderer = deps.rendering(scope);
  try {
    const text = renderer.text(step.params.text, 'slack');
    return drawOwnBlocks(renderer, step.params.blocks, text, state, buttons);
  } catch (error) {
    if (error instanceof TemplateError) return null;
    throw error;
  }
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
