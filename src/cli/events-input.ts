import { readFile } from 'node:fs/promises';
import type { DeskEvent } from '../event.ts';
import { ConfigError, messageOf, type Problem } from '../errors.ts';
import { parseJson } from '../json.ts';
import { readEventInput } from '../match/input.ts';
import { usageError } from './arguments.ts';

/** One event of a file. */
export interface InputEvent {
  readonly event: DeskEvent;
  /** Its key, or else the number of its line, from 1. */
  readonly name: string | number;
  /** The instant it is judged at, epoch ms. */
  readonly now: number;
}

/** When an event that says nothing about time is judged. */
export interface When {
  readonly at: number | null;
  readonly clock: number;
}

/** Reads NDJSON. @throws ConfigError with every line that is no event */
export async function readEventLines(path: string, when: When): Promise<readonly InputEvent[]> {
  const problems: Problem[] = [];
  const events: InputEvent[] = [];
  (await readText(path)).split('\n').forEach((line, index) => {
    if (line.trim() === '') return;
    const found = parse(line, { path, line: index + 1 }, when, problems);
    if (found !== null) events.push(found);
  });
  if (problems.length > 0) throw new ConfigError(problems);
  return events;
}

/** Reads one event as JSON. @throws ConfigError */
export async function readOneEvent(path: string, when: When): Promise<InputEvent> {
  const problems: Problem[] = [];
  const found = parse(await readText(path), { path, line: 1 }, when, problems);
  if (found === null || problems.length > 0) throw new ConfigError(problems);
  return found;
}

async function readText(path: string): Promise<string> {
  try {
    return await readFile(path === '-' ? '/dev/stdin' : path, 'utf8');
  } catch (error) {
    throw usageError(`cannot read ${path}: ${messageOf(error)}`);
  }
}

function parse(
  text: string,
  place: { readonly path: string; readonly line: number },
  when: When,
  problems: Problem[],
): InputEvent | null {
  const problem = (path: string, message: string): void => {
    problems.push({ file: place.path, line: place.line, column: 1, path, message, severity: 'error' });
  };
  let json: unknown;
  try {
    json = parseJson(text);
  } catch (error) {
    problem('', `expected an event as JSON: ${messageOf(error)}`);
    return null;
  }
  const input = readEventInput(json);
  for (const found of input.problems)
    problem(found.path.join('.'), `${found.path.join('.')}: ${found.message}`);
  if (input.problems.length > 0) return null;
  const observed = input.absent.has('observed_at') ? when.clock : Date.parse(input.event.observed_at);
  const now = when.at ?? observed;
  return {
    event: input.absent.has('observed_at')
      ? { ...input.event, observed_at: new Date(now).toISOString() }
      : input.event,
    name: input.absent.has('key') ? place.line : input.event.key,
    now,
  };
}
