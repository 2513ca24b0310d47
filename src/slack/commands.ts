import { didYouMean } from '../did-you-mean.ts';
import { messageOf } from '../errors.ts';
import { ownSlaFrom } from '../ingest/timers.ts';
import type { Matcher, MatchSettings } from '../match/matcher.ts';
import { pauseAll } from '../operate/pauses.ts';
import { readStatus } from '../operate/status.ts';
import { explainTicket } from '../operate/why.ts';
import { mute } from '../record/runs.ts';
import { findTickets, type TicketView } from '../record/slack-messages.ts';
import type { SlashCommand } from './bodies.ts';
import type { SlackReply } from './bolt.ts';
import { drawCard, drawRow, headline, section } from './card.ts';
import { openCommentDialog } from './comment-dialog.ts';
import { readActor, type Actor } from './people.ts';
import { act, type ActDeps, type ActKind } from './press.ts';
import { parseSpan } from './spans.ts';
import { cardStateOf } from './state.ts';
import { cut, cutMrkdwn, literal, MAX_SECTION } from './text.ts';

/** `/desk …`: what a person types, answered so that only they see it. */
export interface CommandDeps extends ActDeps {
  readonly settings: MatchSettings;
  /** A rule set that is compiled already. */
  readonly compiled: (ruleSetId: number) => Matcher | null;
  /** Rota → who has it now. */
  readonly onCall: () => Readonly<Record<string, string>>;
  /** Rules or everything were paused or resumed. */
  readonly onPauses: () => Promise<void>;
}

interface Asked {
  readonly actor: Actor;
  readonly command: SlashCommand;
  readonly words: readonly string[];
  /** Everything after the subcommand as it was typed. */
  readonly rest: string;
}

export const USAGE = [
  '*What Deskhand understands* (only you see the answers)',
  '`/desk find TEXT` tickets by number, title or requester',
  '`/desk show TICKET` · `/desk why TICKET` its state · what the rules did and why not',
  '`/desk assign TICKET [me | E-MAIL]` · `/desk comment TICKET [TEXT]` (internal)',
  '`/desk snooze TICKET [1h | off]` · `/desk mute RULE TICKET [1h]`',
  '`/desk oncall` · `/desk status` · `/desk pause-all [REASON]` · `/desk resume-all`',
  'A ticket is its number, or `connection/number` where several desks have it.',
].join('\n');

type Handler = (asked: Asked, deps: CommandDeps) => Promise<SlackReply>;

const HANDLERS: Readonly<Record<string, Handler>> = {
  find,
  show: (asked, deps) => onTicket(asked, deps, (view) => Promise.resolve(show(view, deps))),
  why: (asked, deps) => onTicket(asked, deps, (view) => why(view, deps)),
  assign: (asked, deps) => onTicket(asked, deps, (view) => assign(view, asked, deps)),
  comment: (asked, deps) => onTicket(asked, deps, (view) => comment(view, asked, deps)),
  snooze: (asked, deps) => onTicket(asked, deps, (view) => snooze(view, asked, deps)),
  mute: muteRule,
  oncall: (_asked, deps) => Promise.resolve(onCall(deps)),
  status: (_asked, deps) => status(deps),
  'pause-all': (asked, deps) => pause(asked, deps, true),
  'resume-all': (asked, deps) => pause(asked, deps, false),
};

/** Never throws for what was typed. */
export async function runCommand(command: SlashCommand, deps: CommandDeps): Promise<SlackReply> {
  const words = wordsOf(command.text);
  const name = (words[0] ?? 'help').toLowerCase();
  const handler = Object.hasOwn(HANDLERS, name) ? HANDLERS[name] : undefined;
  if (handler === undefined) return { text: USAGE };
  const actor = await readActor(command.user_id, deps.people);
  if (!actor.allowed) {
    deps.log.warn({ user: actor.userId, command: name }, 'refused in Slack');
    return { text: actor.reason ?? 'You may not do this.' };
  }
  const rest = command.text.trim().slice(name.length).trim();
  try {
    return await handler({ actor, command, words: words.slice(1), rest }, deps);
  } catch (error) {
    deps.log.warn({ err: error, command: name }, 'a command in Slack failed');
    return { text: `That did not work: ${literal(cut(messageOf(error), 500))}` };
  }
}

/** Words, where "several words" in quotes are one. */
export function wordsOf(text: string): string[] {
  return [...text.matchAll(/["“]([^"”]*)["”]|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
}

async function find({ rest }: Asked, deps: CommandDeps): Promise<SlackReply> {
  if (rest === '') return { text: USAGE };
  const found = await findTickets(deps.database.db, cut(rest, 200), 10);
  if (found.length === 0) return { text: `Nothing found for ${literal(cut(rest, 100))}.` };
  return {
    text: `${found.length} found`,
    blocks: found.map((view) => drawRow(cardStateOf(view, deps.store))),
  };
}

/** @param then what to do with the one ticket that was meant */
async function onTicket(
  { words }: Asked,
  deps: CommandDeps,
  then: (view: TicketView) => Promise<SlackReply>,
): Promise<SlackReply> {
  const found = await ticketsNamed(words[0], deps);
  const [only] = found;
  if (only === undefined)
    return { text: words[0] === undefined ? USAGE : `There is no ticket ${literal(cut(words[0], 100))}.` };
  if (found.length === 1) return then(only);
  const names = found.map((view) => `\`${literal(view.connection)}/${literal(view.ticketId)}\``).join(', ');
  return { text: `Several desks have it. Which one: ${names}?` };
}

/** `1042`, `#1042`, `acme-jitbit/1042`. */
async function ticketsNamed(word: string | undefined, deps: CommandDeps): Promise<readonly TicketView[]> {
  if (word === undefined) return [];
  const slash = word.indexOf('/');
  const connection = slash < 0 ? null : word.slice(0, slash);
  const id = word.slice(slash + 1).replace(/^#/, '');
  const found = await findTickets(deps.database.db, id, 50);
  return found.filter(
    (view) =>
      (view.ticketId === id || view.snapshot.display_id?.replace(/^#/, '') === id) &&
      (connection === null || view.connection === connection),
  );
}

function show(view: TicketView, deps: CommandDeps): SlackReply {
  const drawn = drawCard(cardStateOf(view, deps.store), [
    'acknowledge',
    'assign',
    'snooze',
    'escalate',
    'close',
  ]);
  return { text: drawn.text, blocks: drawn.blocks };
}

async function why(view: TicketView, deps: CommandDeps): Promise<SlackReply> {
  const page = { limit: 3, after: null };
  const { database, settings, compiled } = deps;
  const ownSla = ownSlaFrom(deps.store);
  const answer = await explainTicket(view.connection, view.ticketId, page, {
    database,
    settings,
    compiled,
    ownSla,
  });
  const lines = [headline(cardStateOf(view, null))];
  for (const { event, rules, runs } of answer.events) {
    lines.push(`*${literal(event.type)}* at ${literal(event.observed_at)}`);
    for (const run of runs) {
      lines.push(`• \`${literal(run.rule)}\` ran: ${literal(run.reason ?? run.state)}`);
      for (const step of run.steps) {
        lines.push(
          `    ◦ ${literal(step.action)} ${step.state}${step.reason === null ? '' : `: ${literal(cut(step.reason, 200))}`}`,
        );
      }
    }
    for (const rule of rules.filter((one) => one.verdict === 'no match').slice(0, 8)) {
      lines.push(`• \`${literal(rule.rule)}\` did not match: ${literal(cut(rule.reason, 200))}`);
    }
  }
  const text = cutMrkdwn(lines.join('\n'), MAX_SECTION);
  return { text, blocks: [section(text)] };
}

async function assign(view: TicketView, asked: Asked, deps: CommandDeps): Promise<SlackReply> {
  const whom = asked.words[1] ?? 'me';
  return ordered(view, 'assign', asked, deps, whom === 'me' ? {} : { agent: emailOf(whom) });
}

/** Slack turns addresses into links: `<mailto:nora@acme.com|nora@acme.com>`. */
function emailOf(word: string): string {
  return /^<mailto:([^|>]+)/.exec(word)?.[1] ?? word;
}

async function comment(view: TicketView, asked: Asked, deps: CommandDeps): Promise<SlackReply> {
  const text = asked.rest
    .slice(asked.rest.indexOf(asked.words[0] ?? '') + (asked.words[0] ?? '').length)
    .trim();
  if (text !== '') return ordered(view, 'comment', asked, deps, { text });
  await openCommentDialog(asked.command.trigger_id, view, asked.command.channel_id, deps);
  return { text: 'Write it in the dialog.' };
}

async function snooze(view: TicketView, asked: Asked, deps: CommandDeps): Promise<SlackReply> {
  const span = asked.words[1] ?? '1h';
  if (span !== 'off' && parseSpan(span) === null)
    return { text: 'For how long? `30m`, `4h`, `1d`, at most 31 days, or `off`.' };
  return ordered(view, 'snooze', asked, deps, { span });
}

async function ordered(
  view: TicketView,
  kind: ActKind,
  { actor, command }: Asked,
  deps: CommandDeps,
  more: { readonly span?: string; readonly text?: string; readonly agent?: string },
): Promise<SlackReply> {
  const { connectionId, ticketId } = view;
  const place = { channel: command.channel_id === '' ? null : command.channel_id, ts: null };
  const key = `command:${command.user_id}:${command.trigger_id}`;
  const acted = await act({ key, kind, actor, connectionId, ticketId, ...place, ...more }, deps);
  return { text: `${headline(cardStateOf(view, null))}\n${literal(acted.message)}` };
}

async function muteRule({ words, actor }: Asked, deps: CommandDeps): Promise<SlackReply> {
  const [rule, ticket, span = '1h'] = words;
  const ms = parseSpan(span);
  const [view, second] = await ticketsNamed(ticket, deps);
  if (rule === undefined || ms === null || view === undefined)
    return { text: 'Write `/desk mute RULE TICKET [1h]`.' };
  if (second !== undefined) return { text: 'Several desks have that ticket: write `connection/number`.' };
  const rules = deps.store.active.current().matcher.rules.map(({ id }) => id);
  if (!rules.includes(rule)) {
    const named = cut(rule, 100);
    return { text: literal(`There is no rule ${named}.${didYouMean(named, rules)}`) };
  }
  const pair = { ruleId: rule, connectionId: view.connectionId, ticketId: view.ticketId };
  const fresh = await deps.database.transaction((tx) => mute(tx, pair, ms));
  deps.log.info({ ...pair, by: actor.email ?? actor.userId, span }, 'muted in Slack');
  const state = fresh ? `is muted for ${span}` : 'was muted already';
  return { text: `Rule \`${literal(rule)}\` ${state} on ${headline(cardStateOf(view, null))}` };
}

function onCall(deps: CommandDeps): SlackReply {
  const rotas = Object.entries(deps.onCall());
  if (rotas.length === 0) return { text: 'No on-call rota is configured.' };
  return { text: rotas.map(([rota, person]) => `*${literal(rota)}*: ${literal(person)}`).join('\n') };
}

async function status(deps: CommandDeps): Promise<SlackReply> {
  const now = await readStatus(deps.database, new Map());
  const lines = [
    now.paused === null
      ? now.ok
        ? '✅ All is well'
        : '⚠️ Something needs a person'
      : `⏸️ Paused: ${literal(now.paused)}`,
    ...now.attention.map((what) => `• ${literal(cut(what, 300))}`),
    ...now.connections.map((one) => `${one.state === 'ok' ? '🟢' : '🔴'} ${literal(one.name)}: ${one.state}`),
    ...now.paused_rules.map((one) => `⏸️ rule \`${literal(one.rule)}\`: ${literal(one.reason)}`),
  ];
  return { text: cutMrkdwn(lines.join('\n'), MAX_SECTION) };
}

async function pause({ actor, rest }: Asked, deps: CommandDeps, stop: boolean): Promise<SlackReply> {
  const by = actor.email ?? actor.userId;
  const reason = stop ? `${by} in Slack${rest === '' ? '' : `: ${cut(rest, 200)}`}` : null;
  const { changed } = await pauseAll(deps.database, reason);
  await deps.onPauses();
  deps.log.warn({ by, stop, changed }, 'all actions were paused or resumed in Slack');
  if (!changed) return { text: stop ? 'It was paused already.' : 'Nothing was paused.' };
  return {
    text: stop
      ? '⏸️ Every action of every instance is stopped. Changes are still seen and stored. `/desk resume-all` goes on.'
      : '▶️ Actions go on.',
  };
}
