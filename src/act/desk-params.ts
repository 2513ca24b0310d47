import type { Connection } from '../connections.ts';
import { parametersOf } from '../match/capabilities.ts';
import { DESK_ACTIONS, type AgentChoice, type DeskActionName, type Step } from '../match/rule.ts';
import { keepChoice, readChoice } from '../record/choices.ts';
import { countOpenByAssignee, takeTurn } from '../record/tickets.ts';
import type { Database } from '../record/database.ts';
import type { DeskAction } from '../vendors/vendor.ts';
import { referenceOf } from './reference.ts';
import type { StepTask } from './task.ts';

/** A step that a desk performs. */
export type DeskStep = Extract<Step, { action: DeskActionName }>;

export function isDeskStep(step: Step): step is DeskStep {
  return (DESK_ACTIONS as readonly string[]).includes(step.action);
}

/** Whether the vendor can do this at all; the reason when not. From declared capabilities, without a call. */
export function unsupported(connection: Connection, step: DeskStep): string | null {
  const parameters = connection.vendor.capabilities.actions[step.action];
  if (connection.adapter === null || parameters === undefined) return 'not supported';
  const missing = parametersOf(step).filter((name) => !parameters.includes(name));
  return missing.length === 0 ? null : `not supported: ${missing.join(', ')}`;
}

/** Renders a desk step: texts for the desk's format, one person chosen (once per step, kept over its tries). */
export async function renderDeskAction(
  task: StepTask,
  step: DeskStep,
  connection: Connection,
  database: Database,
  referenceKey: string,
): Promise<DeskAction> {
  const escape = connection.vendor.capabilities.textFormat === 'html' ? 'html' : 'none';
  const plain = (text: string): string => task.renderer.text(text, 'none').trim();
  const optional = <K extends string>(key: K, text: string | undefined): { [P in K]?: string } =>
    text === undefined ? {} : ({ [key]: plain(text) } as { [P in K]?: string });
  const body = (text: string): string =>
    withReference(task.renderer.text(text, escape), task, connection, referenceKey);

  switch (step.action) {
    case 'reassign': {
      const { queue, agent } = step.params;
      const choice =
        agent === undefined ? {} : { agent: await chooseAgent(task, agent, connection, database, plain) };
      return { action: 'reassign', ...optional('queue', queue), ...choice };
    }
    case 'comment':
      return { action: 'comment', text: body(step.params.text), public: step.params.public };
    case 'set': {
      const { custom, due_at: dueAt, ...named } = step.params;
      const texts = Object.fromEntries(Object.entries(named).map(([key, text]) => [key, plain(text)]));
      return {
        action: 'set',
        ...texts,
        ...(dueAt === undefined ? {} : { due_at: instantOrNull(plain(dueAt)) }),
        ...(custom === undefined ? {} : { custom: renderValues(custom, plain) }),
      };
    }
    case 'tag':
    case 'watch':
      return { action: step.action, add: step.params.add.map(plain), remove: step.params.remove.map(plain) };
    case 'close':
    case 'resolve':
    case 'reopen': {
      const { text } = step.params;
      return { action: step.action, ...(text === undefined ? {} : { text: body(text) }) };
    }
    case 'wait_for':
      return 'who' in step.params
        ? { action: 'wait_for', who: step.params.who }
        : { action: 'wait_for', who: { until: instantOrNull(plain(step.params.until)) ?? '' } };
    case 'create_ticket': {
      const { title, text, connection: _literal, ...rest } = step.params;
      const texts = Object.fromEntries(Object.entries(rest).map(([key, value]) => [key, plain(value)]));
      return { action: 'create_ticket', title: plain(title), text: body(text), ...texts };
    }
    case 'task': {
      const { title, due_at: dueAt, note, queue, agent } = step.params;
      const due = dueAt === undefined ? null : instantOrNull(plain(dueAt));
      return {
        action: 'task',
        title: plain(title),
        ...optional('note', note),
        ...optional('queue', queue),
        ...optional('agent', agent),
        ...(due === null ? {} : { due_at: due }),
      };
    }
    case 'time_entry':
      return { action: 'time_entry', minutes: step.params.minutes, ...optional('note', step.params.note) };
    case 'link':
      return { action: 'link', to: plain(step.params.to) };
    case 'approve':
      return {
        action: 'approve',
        vote: step.params.vote,
        ...optional('approval', step.params.approval),
        ...optional('text', step.params.text),
      };
    case 'breaking_news': {
      const { title, text, severity, queues } = step.params;
      return {
        action: 'breaking_news',
        title: plain(title),
        text: body(text),
        ...(severity === undefined ? {} : { severity }),
        ...(queues === undefined ? {} : { queues: queues.map(plain) }),
      };
    }
  }
}

/** A visible mark where the desk returns no id for what was made, or where the operator wants it. */
function withReference(text: string, task: StepTask, connection: Connection, key: string): string {
  const wanted =
    connection.reference === 'always' ||
    (connection.reference === 'auto' && !connection.vendor.capabilities.commentIdReturned);
  return wanted ? `${text}\n\n${referenceOf(task.claimed.stepId, key)}` : text;
}

async function chooseAgent(
  task: StepTask,
  choice: AgentChoice,
  connection: Connection,
  database: Database,
  plain: (text: string) => string,
): Promise<string | null> {
  switch (choice.kind) {
    case 'none':
      return null;
    case 'person':
      return plain(choice.person);
    case 'rotate':
      return choosePerson(task, database, async () => {
        const turn = await takeTurn(database.db, task.rule.id, task.step.path);
        return plain(choice.people[turn % choice.people.length] ?? '');
      });
    case 'least_open':
      return choosePerson(task, database, async () => {
        const people = choice.people.map(plain);
        const open = await countOpenByAssignee(database.db, connection.id);
        const counts = people.map((person) => open.get(person.toLowerCase()) ?? 0);
        return people[counts.indexOf(Math.min(...counts))] ?? '';
      });
  }
}

/** A choice is committed before anything is sent: a second try must not hand the ticket to somebody else. */
async function choosePerson(
  task: StepTask,
  database: Database,
  choose: () => Promise<string>,
): Promise<string> {
  const { stepId } = task.claimed;
  const chosen = await readChoice(database.db, stepId);
  return chosen ?? keepChoice(database.db, stepId, await choose());
}

function renderValues(
  custom: Readonly<Record<string, string | number | boolean | null>>,
  plain: (text: string) => string,
): Record<string, string | number | boolean | null> {
  return Object.fromEntries(
    Object.entries(custom).map(([name, value]) => [name, typeof value === 'string' ? plain(value) : value]),
  );
}

function instantOrNull(text: string): string | null {
  const at = Date.parse(text);
  return Number.isNaN(at) ? null : new Date(at).toISOString();
}
