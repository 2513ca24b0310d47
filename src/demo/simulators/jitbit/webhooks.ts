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

/** One request an automation rule sent; it is never sent again. */
export interface JitbitDelivery {
  readonly url: string;
  readonly trigger: JitbitTrigger;
  readonly ticketId: number;
  readonly body: string;
  /** The receiver's status; null until it answered, and for good when it could not be reached. */
  status: number | null;
}

export interface WebhookSender {
  add(webhook: JitbitWebhook): () => void;
  readonly deliveries: readonly JitbitDelivery[];
  /** Resolves when every delivery so far was answered or failed. */
  settled(): Promise<void>;
}

/** Sends automation rules' requests for every change the core tells of. */
export function createWebhooks(core: JitbitCore): WebhookSender {
  const hooks = new Set<JitbitWebhook>();
  const deliveries: JitbitDelivery[] = [];
  const open = new Set<Promise<void>>();

  const send = (hook: JitbitWebhook, trigger: JitbitTrigger, ticketId: number): void => {
    const template = hook.template ?? `{"ticketId":"#ticketId#","hook":"${trigger}"}`;
    const delivery: JitbitDelivery = {
      url: hook.url,
      trigger,
      ticketId,
      body: masked(core, template, ticketId),
      status: null,
    };
    deliveries.push(delivery);
    const sending = post(delivery, hook.contentType ?? 'application/json').finally(() =>
      open.delete(sending),
    );
    open.add(sending);
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
    deliveries,
    settled: async () => {
      while (open.size > 0) await Promise.all(open);
    },
  };
}

/** One try, like the vendor: nobody hears of a failure. */
async function post(delivery: JitbitDelivery, contentType: string): Promise<void> {
  try {
    const response = await fetch(delivery.url, {
      method: 'POST',
      headers: { 'content-type': contentType },
      body: delivery.body,
      signal: AbortSignal.timeout(10_000),
    });
    await response.arrayBuffer();
    delivery.status = response.status;
  } catch {
    delivery.status = null;
  }
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
