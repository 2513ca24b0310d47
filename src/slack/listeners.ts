import { resumeRule } from '../operate/pauses.ts';
import { answerQuestion } from '../record/slack-presses.ts';
import { wakeSteps } from '../record/slack-turns.ts';
import type { Press } from './bodies.ts';
import type { SlackListeners } from './bolt.ts';
import { readTicketRef } from './card.ts';
import { runCommand, type CommandDeps } from './commands.ts';
import { submitComment } from './comment-dialog.ts';
import { publishHome } from './home.ts';
import { readActor, type Actor } from './people.ts';
import { act, type ActDeps, type ActKind } from './press.ts';
import { insertAudit } from './audit.ts';
import { literal } from './text.ts';

/** Everything that people do in Slack, sorted by what it is. */
export function createListeners(deps: ActDeps & CommandDeps): SlackListeners {
  /** Something only this person should read; the request is answered without it. */
  const whisper = (press: Press, text: string): void => {
    if (press.channel === null) return;
    const { channel, userId } = press;
    void deps.api
      .whisper(channel, userId, literal(text), AbortSignal.timeout(10_000))
      .catch((error: unknown) => deps.log.debug({ err: error }, 'a whisper was not heard'));
  };
  return {
    async press(press) {
      const actor = await readActor(press.userId, deps.people);
      const said = await handle(press, actor, deps);
      if (said !== null) whisper(press, said);
    },
    command: (command) => runCommand(command, deps),
    submit: (view) => submitComment(view, deps),
    homeOpened: (userId) => publishHome(userId, deps),
  };
}

/** @returns what only this person should read, or null */
async function handle(press: Press, actor: Actor, deps: ActDeps & CommandDeps): Promise<string | null> {
  const [family, kind = ''] = press.actionId.split(':', 2);
  switch (family) {
    case 'desk':
      return pressTicket(press, kind, actor, deps);
    case 'ask':
      return pressAnswer(press, actor, deps);
    case 'rule':
      return pressRule(press, kind, actor, deps);
    default:
      // Links and buttons of a rule's own layout: nothing of ours.
      return null;
  }
}

const KINDS: readonly string[] = ['acknowledge', 'assign', 'snooze', 'escalate', 'close'] satisfies ActKind[];

/** `snooze` and the small menu carry `<choice>|<ticket>`: a span (`4h`, `off`) or what to do. */
async function pressTicket(
  press: Press,
  kind: string,
  actor: Actor,
  deps: ActDeps & CommandDeps,
): Promise<string | null> {
  const bar = press.value.indexOf('|');
  const choice = bar < 0 ? '' : press.value.slice(0, bar);
  const ticket = readTicketRef(press.value.slice(bar + 1));
  const ends = kind === 'menu' && choice === 'wake';
  const wanted = ends ? 'snooze' : kind === 'menu' ? choice : kind;
  const span = ends ? 'off' : kind === 'menu' ? '' : choice;
  if (ticket === null || !KINDS.includes(wanted)) return 'This button is not known any more.';
  const acted = await act(
    {
      key: `press:${press.userId}:${press.actionTs}:${press.actionId}`,
      kind: wanted as ActKind,
      actor,
      ...ticket,
      channel: press.channel,
      ts: press.ts,
      ...(span === '' ? {} : { span }),
    },
    deps,
  );
  const shown = acted.state === 'pending' && wanted !== 'escalate' && !deps.paused();
  return shown ? null : acted.message;
}

async function pressAnswer(press: Press, actor: Actor, deps: ActDeps): Promise<string | null> {
  if (!actor.allowed) return actor.reason;
  const bar = press.value.indexOf('|');
  const stepId = press.value.slice(0, bar);
  const label = press.value.slice(bar + 1);
  if (!/^[0-9a-f-]{36}$/.test(stepId)) return 'This button is not known any more.';
  const by = actor.email ?? actor.userId;
  const first = await answerQuestion(deps.database.db, stepId, label, by);
  await insertAudit(deps.database, press, by, `answer: ${label}`, first);
  if (!first) return 'This question was answered already.';
  await wakeSteps(deps.database, [stepId]);
  deps.wakeActions();
  return null;
}

/** A paused rule is resumed right where its pause was told. */
async function pressRule(
  press: Press,
  kind: string,
  actor: Actor,
  deps: ActDeps & CommandDeps,
): Promise<string | null> {
  if (!actor.allowed) return actor.reason;
  if (kind !== 'release' && kind !== 'discard') return 'This button is not known any more.';
  const by = actor.email ?? actor.userId;
  const resumed = await resumeRule(deps.database, press.value, kind);
  await insertAudit(deps.database, press, by, `resume rule ${press.value}: ${kind}`, true);
  await deps.onPauses();
  deps.wakeActions();
  return `Rule ${resumed.rule} goes on: ${resumed.released} waiting runs released, ${resumed.discarded} discarded.`;
}
