import { PRIORITY_LEVELS } from '../ticket.ts';
import * as p from './params.ts';
import type { ParamType } from './params.ts';
import type { ActionName } from './rule.ts';
import { SLACK_BUTTONS } from './rule.ts';

/** The action table: parameters of every action. Loader, JSON schema and capability checks follow it. */

export interface ParamSpec {
  readonly type: ParamType | 'steps' | 'answers';
  readonly required?: boolean;
  /** Taken when nothing is written. */
  readonly default?: unknown;
  readonly doc: string;
}

export interface ActionSpec {
  readonly doc: string;
  readonly params: Readonly<Record<string, ParamSpec>>;
  /** At least one of these must be written. */
  readonly needs?: readonly string[];
  /** Exactly one of these must be written. */
  readonly exactlyOne?: readonly string[];
  /** A bare value instead of the map: its words, or the parameter it stands for. */
  readonly bare?: { readonly words: readonly string[] } | { readonly param: string } | 'nothing';
  /** Seen by the customer: skipped on late events. */
  readonly customerVisible?: boolean;
}

const param = (type: ParamSpec['type'], doc: string, more: Partial<ParamSpec> = {}): ParamSpec => ({
  type,
  doc,
  ...more,
});
const required = { required: true } as const;

const CLOSING = {
  params: { text: param(p.text, 'A comment or solution, where the desk takes one.') },
  bare: 'nothing',
} as const;

export const ACTIONS: Readonly<Record<ActionName, ActionSpec>> = {
  reassign: {
    doc: 'Gives the ticket to a queue, a person or both.',
    params: {
      queue: param(p.nameOrId, 'Name or id of the queue.'),
      agent: param(p.agentChoice, 'A person, none, { rotate: [..] } or { least_open: [..] }.'),
    },
    needs: ['queue', 'agent'],
  },
  comment: {
    doc: 'Adds a comment, internal unless public.',
    params: {
      text: param(p.text, 'What it says.', required),
      public: param(p.boolean, 'Visible to the customer.', { default: false }),
    },
  },
  set: {
    doc: 'Sets fields of the ticket.',
    params: {
      priority: param(p.text, `A level (${PRIORITY_LEVELS.join(', ')}) or the desk's own name.`),
      category: param(p.nameOrId, 'Name, path or id.'),
      type: param(p.nameOrId, 'Name or id.'),
      status: param(p.nameOrId, 'Name or id.'),
      title: param(p.text, 'The new title.'),
      due_at: param(p.instant, 'When it is due, or none.'),
      custom: param(p.customFields, 'Custom fields by name or id.'),
    },
    needs: ['priority', 'category', 'type', 'status', 'title', 'due_at', 'custom'],
  },
  tag: {
    doc: 'Adds and removes tags.',
    params: {
      add: param(p.listOf(p.text), 'Tags to add.'),
      remove: param(p.listOf(p.text), 'Tags to remove.'),
    },
    needs: ['add', 'remove'],
  },
  watch: {
    doc: 'Adds and removes people who follow the ticket.',
    params: {
      add: param(p.listOf(p.nameOrId), 'People to add.'),
      remove: param(p.listOf(p.nameOrId), 'People to remove.'),
    },
    needs: ['add', 'remove'],
  },
  close: { doc: 'Closes the ticket.', ...CLOSING },
  resolve: { doc: 'Resolves the ticket.', ...CLOSING },
  reopen: { doc: 'Reopens the ticket.', ...CLOSING },
  wait_for: {
    doc: 'Sets whom the ticket waits for.',
    params: { until: param(p.instant, 'Wait until this time.', required) },
    bare: { words: ['customer', 'agent'] },
  },
  create_ticket: {
    doc: 'Creates another ticket.',
    params: {
      connection: param(p.text, "Where; default: the event's connection."),
      title: param(p.text, 'Title.', required),
      text: param(p.text, 'Description.', required),
      category: param(p.nameOrId, 'Name, path or id.'),
      priority: param(p.text, 'A level or name.'),
      type: param(p.nameOrId, 'Name or id.'),
      queue: param(p.nameOrId, 'Name or id.'),
      requester: param(p.nameOrId, 'Name, id or e-mail.'),
    },
  },
  task: {
    doc: 'Adds a task to the ticket.',
    params: {
      title: param(p.text, 'What to do.', required),
      note: param(p.text, 'More about it.'),
      queue: param(p.nameOrId, 'Name or id.'),
      agent: param(p.nameOrId, 'Name, id or e-mail.'),
      due_at: param(p.instant, 'When it is due.'),
    },
  },
  time_entry: {
    doc: 'Books time on the ticket.',
    params: { minutes: param(p.integer(1, 10_080), 'Minutes.', required), note: param(p.text, 'What for.') },
  },
  link: {
    doc: 'Links the ticket to another one.',
    params: { to: param(p.nameOrId, 'Id of the other ticket.', required) },
  },
  approve: {
    doc: 'Votes on an approval of the ticket.',
    params: {
      approval: param(p.nameOrId, 'Which approval, by id.'),
      vote: param(p.oneOf(['accept', 'reject']), 'accept or reject.', required),
      text: param(p.text, 'Why.'),
    },
  },
  breaking_news: {
    doc: 'Publishes a breaking news.',
    params: {
      title: param(p.text, 'Headline.', required),
      text: param(p.text, 'What happened.', required),
      severity: param(p.oneOf(['low', 'medium', 'high']), 'How bad it is.'),
      queues: param(p.listOf(p.nameOrId), 'Who sees it.'),
    },
  },
  'slack.post': {
    doc: 'Posts to Slack.',
    params: {
      channel: param(p.text, 'A channel: "#noc" or its id.'),
      user: param(p.text, 'A person: e-mail, name or Slack id.'),
      thread: param(p.oneOf(['ticket']), "Into the thread of the ticket's message."),
      text: param(p.text, 'The message; also the notification.', required),
      blocks: param(p.listOf(p.jsonMap), 'Block Kit blocks whose texts are templates.'),
      buttons: param(p.listOf(p.oneOf(SLACK_BUTTONS)), 'Buttons below the message.', { default: [] }),
    },
    exactlyOne: ['channel', 'user', 'thread'],
  },
  'slack.ask': {
    doc: 'Asks in Slack and goes on with the steps of the answer.',
    params: {
      channel: param(p.text, 'A channel: "#noc" or its id.'),
      user: param(p.text, 'A person: e-mail, name or Slack id.'),
      text: param(p.text, 'The question.', required),
      answers: param('answers', 'Label of each button → its steps.', required),
      within: param(p.span('within'), 'How long to wait for an answer.'),
      default: param(p.text, 'The answer when nobody gave one in time.'),
    },
    exactlyOne: ['channel', 'user'],
  },
  'http.post': {
    doc: 'Sends a JSON request.',
    params: {
      url: param(p.url, 'Scheme and host literal; the host must be allowed under http.allow.', required),
      headers: param(p.headers, 'More headers; ${NAME} takes an environment variable.', { default: {} }),
      json: param(p.json, "The body; default: the event with the rule's id."),
      secret: param(p.secret, 'Signs the request as Standard Webhooks; write ${NAME}.'),
      resend: param(p.oneOf(['same_id', 'never']), 'After an unknown outcome.', { default: 'same_id' }),
    },
  },
  emit: {
    doc: 'Makes a custom.<name> event that rules can match.',
    params: {
      type: param(p.text, 'custom.<name>.', required),
      data: param(p.jsonMap, "The event's body.", { default: {} }),
    },
  },
  wait: {
    doc: 'Waits; afterwards "while" must hold.',
    params: { for: param(p.span('wait'), 'A duration, or { for, calendar }.', required) },
    bare: { param: 'for' },
  },
  repeat: {
    doc: 'Does steps again and again while "while" holds.',
    params: {
      every: param(p.span('every'), 'Time between two rounds.', required),
      at_most: param(p.integer(1, 100), 'Rounds.', required),
      do: param('steps', 'The steps of a round.', required),
    },
  },
  acknowledge: { doc: 'Marks the ticket as acknowledged.', params: {}, bare: 'nothing' },
};
