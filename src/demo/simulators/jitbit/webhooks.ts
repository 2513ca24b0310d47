import { createOutbox, type Delivery } from '../support/outbox.ts';
import { fullName, type JitbitCore, type JitbitSource, type JitbitTrigger } from './core.ts';
import { jitbitPriorities, type JitbitTicket } from './state.ts';
import { stamp } from './rows.ts';

/** An automation rule with the action "HTTP request" (integration reference 3.3). */
export interface JitbitWebhook {
  readonly url: string;
  /** The triggers of the rule. */
  readonly on: readonly JitbitTrigger[];
  /** The body with `#masks#`; default `{"ticketId":"#ticketId#","hook":"<trigger>"}`. */
  readonly template?: string;
  /** Default `application/json`. */
  readonly contentType?: string;
  /** Only changes made by people in the browser (default: over the API too, as rules do). */
  readonly humansOnly?: boolean;
  /** How often each firing is sent (default 1), to try duplicate deliveries. */
  readonly copies?: number;
}

export interface WebhookSender {
  add(webhook: JitbitWebhook): () => void;
  readonly deliveries: readonly Delivery[];
  /** Resolves when every delivery so far was answered or failed. */
  settled(): Promise<void>;
}

/** Sends automation rules' requests for every change the core tells of. */
export function createWebhooks(core: JitbitCore): WebhookSender {
  const hooks = new Set<JitbitWebhook>();
  const outbox = createOutbox();

  const send = (hook: JitbitWebhook, trigger: JitbitTrigger, ticketId: number): void => {
    const template = hook.template ?? `{"ticketId":"#ticketId#","hook":"${trigger}"}`;
    const headers = { 'content-type': hook.contentType ?? 'application/json' };
    outbox.send({ url: hook.url, trigger, ticketId, body: masked(core, template, ticketId) }, headers);
  };

  core.fire = (trigger: JitbitTrigger, ticketId: number, source: JitbitSource): void => {
    for (const hook of hooks) {
      if (!hook.on.includes(trigger) || (hook.humansOnly === true && source === 'api')) continue;
      for (let copy = 0; copy < (hook.copies ?? 1); copy++) send(hook, trigger, ticketId);
    }
  };
  return {
    add: (webhook) => {
      hooks.add(webhook);
      return () => void hooks.delete(webhook);
    },
    deliveries: outbox.deliveries,
    settled: () => outbox.settled(),
  };
}

/** Masks are replaced as text: a quote in a subject breaks a JSON template, as it would at the vendor. */
function masked(core: JitbitCore, template: string, ticketId: number): string {
  const ticket = core.state.tickets.get(ticketId);
  if (ticket === undefined) return template.replaceAll('#ticketId#', String(ticketId));
  const values = masks(core, ticket);
  return template.replace(/#(\w+)#/g, (mask, name: string) => values(name) ?? mask);
}

function masks(core: JitbitCore, ticket: JitbitTicket): (name: string) => string | undefined {
  const { users, categories, comments } = core.state;
  const submitter = users.get(ticket.userId);
  const said = comments.filter((comment) => comment.ticketId === ticket.id && !comment.isSystem);
  const values = new Map<string, string>([
    ['ticketId', String(ticket.id)],
    ['subject', ticket.subject],
    ['url', `${core.behaviour.origin}/helpdesk/Ticket/${ticket.id}`],
    ['from', fullName(submitter)],
    ['fromEmail', submitter?.email ?? ''],
    ['body', ticket.body],
    ['technician', fullName(users.get(ticket.assignedToUserId ?? 0))],
    ['date', stamp(ticket.issueDate)],
    ['priority', jitbitPriorities.get(ticket.priority) ?? ''],
    ['statusId', String(ticket.statusId)],
    ['category', categories.get(ticket.categoryId)?.name ?? ''],
    ['most_recent_message', said.at(-1)?.body ?? ticket.body],
  ]);
  return (name) => {
    const field = /^cf_(\d+)$/.exec(name)?.[1];
    return field === undefined ? values.get(name) : (ticket.customFields.get(Number(field)) ?? '');
  };
}
