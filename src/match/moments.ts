import type { DeskEvent } from '../event.ts';
import { compileNode } from './closures.ts';
import { leavesOf, type LeafNode, type Node } from './condition.ts';
import type { Folding } from './fold.ts';
import type { LeafTest } from './leaf-test.ts';
import type { MatchSettings } from './matcher.ts';
import { TIME_OPERATORS } from './operators.ts';
import { hasTimeOperator, parseWhen } from './parsed-rule.ts';
import { foldingFor, perFolding } from './per-folding.ts';
import { EventReader, FieldSlots, type FieldSlot } from './reader.ts';
import type { Rule, Span } from './rule.ts';
import { parseInstant } from './span.ts';

/**
 * When a rule's conditions become true merely because time passes. Between the moments at which one of its time
 * operators flips a condition is constant, so it is enough to evaluate it at those.
 */

/** A rule on one ticket, seen from an instant. Epoch ms. */
export interface Outlook {
  /** Since which moment the conditions hold; null if they do not, or not because of time. */
  readonly since: number | null;
  /** The next moment at which they become true; null if time alone never makes them. */
  readonly next: number | null;
}

/** A ticket as `ticket.time` would show it, and until when it is snoozed. */
export interface TicketView {
  readonly event: DeskEvent;
  readonly snoozedUntil: number | null;
}

export interface Moments {
  /** Rules with time operators that are not off. */
  readonly rules: readonly Rule[];
  outlook(ruleId: string, view: TicketView, now: number): Outlook;
}

const NEVER: Outlook = { since: null, next: null };

/** Compiles the time side of a rule set. */
export function createMoments(rules: readonly Rule[], settings: MatchSettings): Moments {
  const timed = rules.filter((rule) => rule.mode !== 'off' && hasTimeOperator(parseWhen(rule)));
  const clocks = new Map(timed.map((rule) => [rule.id, compileClock(rule, settings)]));
  return {
    rules: timed,
    outlook: (ruleId, view, now) => clocks.get(ruleId)?.(view, now) ?? NEVER,
  };
}

/** The next moment at which a rule's conditions become true on a ticket; null if time alone never makes them. */
export function nextMoment(
  rule: Rule,
  view: TicketView,
  now: number,
  settings: MatchSettings,
): number | null {
  return createMoments([rule], settings).outlook(rule.id, view, now).next;
}

type RuleClock = (view: TicketView, now: number) => Outlook;

function compileClock(rule: Rule, settings: MatchSettings): RuleClock {
  const node = parseWhen(rule);
  const forms = perFolding((folding) => compileForm(node, folding, settings));
  return (view, now) => {
    const folding = foldingFor(settings, view.event);
    const form = forms(folding);
    const reader = new EventReader(view.event, now, folding);
    if (!form.rest(reader)) return NEVER;
    const flips = flipsOf(form.timed, reader, view, settings);
    const holds = (at: number): boolean => form.test(new EventReader(eventAt(view, at), at, folding));
    return look(flips, holds, now);
  };
}

interface Form {
  /** The members that do not move with time; false: nothing to look for. */
  readonly rest: LeafTest;
  readonly test: LeafTest;
  readonly timed: readonly { readonly leaf: LeafNode; readonly slot: FieldSlot }[];
}

function compileForm(node: Node, folding: Folding, settings: MatchSettings): Form {
  const slots = new FieldSlots();
  const still = node.type === 'group' && node.group === 'all' ? node.members.filter(isStill) : [];
  const rest: Node = { type: 'group', group: 'all', members: still };
  return {
    rest: still.length === 0 ? () => true : compileNode(rest, slots, folding, settings),
    test: compileNode(node, slots, folding, settings),
    timed: [...leavesOf(node)].filter(moves).map((leaf) => ({ leaf, slot: slots.of(leaf.field) })),
  };
}

function moves(leaf: LeafNode): boolean {
  return TIME_OPERATORS.has(leaf.operator) || leaf.field.name === 'snoozed';
}

function isStill(node: Node): boolean {
  for (const leaf of leavesOf(node)) if (moves(leaf)) return false;
  return true;
}

/** Snoozing ends by itself. */
function eventAt(view: TicketView, at: number): DeskEvent {
  const { event, snoozedUntil } = view;
  if (snoozedUntil === null || event.ticket === null) return event;
  return { ...event, ticket: { ...event.ticket, snoozed: at < snoozedUntil } };
}

function flipsOf(
  timed: Form['timed'],
  reader: EventReader,
  view: TicketView,
  settings: MatchSettings,
): readonly number[] {
  const flips = new Set<number>();
  for (const { leaf, slot } of timed) {
    if (leaf.field.name === 'snoozed') {
      if (view.snoozedUntil !== null) flips.add(view.snoozedUntil);
      continue;
    }
    for (const value of reader.read(slot).scalars) {
      const at = parseInstant(value);
      if (!Number.isNaN(at)) for (const flip of flipsOfLeaf(leaf, at, settings)) flips.add(flip);
    }
  }
  return [...flips].sort((a, b) => a - b);
}

/** The instants at which the operator's truth for a time `at` changes; exact to the millisecond. */
function flipsOfLeaf({ test }: LeafNode, at: number, settings: MatchSettings): readonly number[] {
  switch (test.kind) {
    case 'older_than':
      return known(ahead(at, test.span, test.span.ms, settings));
    case 'within': {
      // On a calendar the first instant with that little working time left is the end of the span before.
      const before = ahead(at, test.span, -test.span.ms - 1, settings);
      return [...known(before === null ? null : before + 1), at + 1];
    }
    case 'overdue':
      return [at + 1];
    default:
      return [];
  }
}

function known(at: number | null): readonly number[] {
  return at === null ? [] : [at];
}

function ahead(at: number, { calendar }: Span, ms: number, settings: MatchSettings): number | null {
  if (calendar === undefined) return at + ms;
  return settings.addWorkingMs?.(calendar, at, ms) ?? null;
}

function look(flips: readonly number[], holds: (at: number) => boolean, now: number): Outlook {
  let held = holds(now);
  const since = held ? (flips.findLast((flip) => flip <= now && !holds(flip - 1)) ?? null) : null;
  for (const flip of flips) {
    if (flip <= now) continue;
    const then = holds(flip);
    if (then && !held) return { since, next: flip };
    held = then;
  }
  return { since, next: null };
}
