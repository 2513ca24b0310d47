import { isObject } from './method.ts';
import type { SlackBlock } from './state.ts';

/** The first thing wrong with a list of blocks by Slack's published limits, or null. */
export function blockProblem(blocks: unknown): string | null {
  if (!Array.isArray(blocks)) return 'blocks is not a list';
  if (blocks.length > 50) return 'more than 50 blocks';
  for (const [index, block] of blocks.entries()) {
    const problem = isObject(block) ? problemOf(block) : 'not an object';
    if (problem !== null) return `block ${index}: ${problem}`;
  }
  return null;
}

function problemOf(block: Record<string, unknown>): string | null {
  switch (block['type']) {
    case 'section':
      return textProblem(block['text'], 3000) ?? listProblem(block['fields'], 10, 2000);
    case 'header':
      return textProblem(block['text'], 150);
    case 'context':
      return sized(block['elements'], 10);
    case 'actions':
      return sized(block['elements'], 25) ?? buttonProblem(block['elements']);
    case 'divider':
    case 'image':
    case 'input':
    case 'rich_text':
      return null;
    default:
      return `unsupported type: ${String(block['type'])}`;
  }
}

function textProblem(text: unknown, most: number): string | null {
  if (text === undefined) return null;
  if (!isObject(text) || typeof text['text'] !== 'string') return 'text is not a text object';
  const { length } = text['text'];
  if (length === 0) return 'text is empty';
  return length > most ? `text has ${length} characters, ${most} are allowed` : null;
}

function listProblem(list: unknown, most: number, length: number): string | null {
  if (list === undefined) return null;
  const count = sized(list, most);
  if (count !== null || !Array.isArray(list)) return count;
  return list.map((text) => textProblem(text, length)).find((problem) => problem !== null) ?? null;
}

function sized(list: unknown, most: number): string | null {
  if (!Array.isArray(list) || list.length === 0) return 'elements are missing';
  return list.length > most ? `more than ${most} elements` : null;
}

/** Button texts take 75 characters, action ids 255, values 2000; an action id may occur once in a block. */
function buttonProblem(elements: unknown): string | null {
  const ids = new Set<unknown>();
  for (const element of Array.isArray(elements) ? (elements as unknown[]) : []) {
    if (!isObject(element)) return 'an element is not an object';
    if (ids.has(element['action_id']) && element['action_id'] !== undefined)
      return 'an action_id occurs twice';
    ids.add(element['action_id']);
    if (lengthOf(element['action_id']) > 255) return 'an action_id is too long';
    if (lengthOf(element['value']) > 2000) return 'a value is too long';
    const problem = element['type'] === 'button' ? textProblem(element['text'], 75) : null;
    if (problem !== null) return problem;
  }
  return null;
}

function lengthOf(value: unknown): number {
  return typeof value === 'string' ? value.length : 0;
}

/** Blocks as Slack stores them: every block gets a `block_id`. */
export function withIds(blocks: readonly SlackBlock[]): SlackBlock[] {
  return blocks.map((block, index) => ({ block_id: `b${index}`, ...block }));
}
