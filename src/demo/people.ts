import type { BossDesk } from './simulators/bossdesk/bossdesk-desk.ts';
import { bossIds } from './simulators/bossdesk/seed.ts';
import type { GotoDesk } from './simulators/gotoassist/gotoassist-desk.ts';
import { gotoIds } from './simulators/gotoassist/seed.ts';
import type { InvgateDesk } from './simulators/invgate/invgate-desk.ts';
import { invgateIds } from './simulators/invgate/seed.ts';
import type { JitbitDesk } from './simulators/jitbit/jitbit-desk.ts';

/** What people do in the demo, in the words of each desk: the same stories happen everywhere. */

export type StoryPriority = 'low' | 'normal' | 'high' | 'critical';

export interface Story {
  readonly title: string;
  readonly body: string;
  /** A path, `Hardware > Printer`. */
  readonly category: string;
  /** An e-mail address. */
  readonly requester: string;
  readonly priority: StoryPriority;
}

export interface DeskPeople {
  /** Opens a ticket and returns its id. */
  file(story: Story): number;
  isOpen(ticketId: number): boolean;
  title(ticketId: number): string;
  /** The requester writes. */
  reply(ticketId: number, text: string): void;
  raise(ticketId: number, priority: 'high' | 'critical'): void;
  /** Nora gives it to Ali. */
  assign(ticketId: number): void;
  close(ticketId: number): void;
}

export function jitbitPeople(desk: JitbitDesk): DeskPeople {
  const priorities = { low: -1, normal: 0, high: 1, critical: 2 } as const;
  const closed = 3;
  return {
    file: ({ title, priority, ...story }) =>
      desk.human.create({ ...story, subject: title, priority: priorities[priority] }),
    isOpen: (id) => desk.state.tickets.has(id) && desk.ticket(id).statusId !== closed,
    title: (id) => desk.ticket(id).subject,
    reply: (id, text) => void desk.human.comment(id, text, { by: 'requester' }),
    raise: (id, priority) => desk.human.edit(id, { priority: priorities[priority] }),
    assign: (id) => desk.human.assign(id, 'ali@acme.com'),
    close: (id) => desk.human.close(id),
  };
}

export function invgatePeople(desk: InvgateDesk): DeskPeople {
  const priorities = { low: 1, normal: 2, high: 3, critical: 5 } as const;
  const categories: Readonly<Record<string, number>> = {
    VPN: invgateIds.vpn,
    Network: invgateIds.network,
    Accounts: invgateIds.accounts,
    'Hardware > Printer': invgateIds.printer,
  };
  const lastOpenStatus = 4;
  const requester = (email: string): number => (email === 'ceo@acme.com' ? invgateIds.ceo : invgateIds.mert);
  return {
    file: ({ title, body, category, priority, ...story }) =>
      desk.human.create({
        title,
        description: body,
        categoryId: categories[category] ?? invgateIds.hardware,
        priorityId: priorities[priority],
        userId: requester(story.requester),
      }),
    isOpen: (id) => desk.request(id).statusId <= lastOpenStatus,
    title: (id) => desk.request(id).title,
    reply: (id, text) => void desk.human.comment(id, text, { by: desk.request(id).userId }),
    raise: (id, priority) => desk.human.edit(id, { priorityId: priorities[priority] }),
    assign: (id) => desk.human.assign(id, invgateIds.serviceDesk, invgateIds.ali),
    close: (id) => desk.human.close(id),
  };
}

export function bossPeople(desk: BossDesk): DeskPeople {
  const categories: Readonly<Record<string, number>> = { VPN: bossIds.vpn, Network: bossIds.network };
  return {
    file: ({ title, body, category, requester, priority }) =>
      desk.human.create({
        title,
        description: `<p>${body}</p>`,
        categoryId: categories[category] ?? bossIds.hardware,
        priorityId: bossIds[priority],
        requesterId: requester === 'ceo@acme.com' ? bossIds.ceo : bossIds.mert,
      }),
    isOpen: (id) => desk.ticket(id).closedAt === null,
    title: (id) => desk.ticket(id).title,
    reply: (id, text) =>
      void desk.human.comment(id, `<p>${text}</p>`, { by: desk.ticket(id).requesterId ?? bossIds.mert }),
    raise: (id, priority) => desk.human.edit(id, { priorityId: bossIds[priority] }),
    assign: (id) => desk.human.assign(id, bossIds.ali),
    close: (id) => desk.human.close(id),
  };
}

/** Its queues are services, and priorities belong to one: the network's, or that of everything else. */
export function gotoPeople(desk: GotoDesk): DeskPeople {
  const levels = { critical: 0, high: 1, normal: 2, low: 3 } as const;
  const priorityId = (serviceId: number, priority: StoryPriority): number =>
    desk.state.services.get(serviceId)?.priorities[levels[priority]]?.id ?? gotoIds.normal;
  return {
    file: ({ title, body, category, requester, priority }) => {
      const isNetwork = category === 'VPN' || category === 'Network';
      const serviceId = isNetwork ? gotoIds.network : gotoIds.workplace;
      const customerId = requester === 'ceo@acme.com' ? gotoIds.ceo : gotoIds.mert;
      const ref = desk.human.create({
        title,
        serviceId,
        customerId,
        priorityId: priorityId(serviceId, priority),
        categoryId: category === 'VPN' ? gotoIds.vpn : isNetwork ? gotoIds.wifi : null,
      });
      desk.human.note(ref, body, { kind: 'symptom', email: requester });
      return ref;
    },
    isOpen: (ref) => desk.incident(ref).closedAt === null,
    title: (ref) => desk.incident(ref).title,
    reply: (ref, text) => void desk.human.note(ref, text, { email: 'mert@acme.com' }),
    raise: (ref, priority) =>
      desk.human.edit(ref, { priorityId: priorityId(desk.incident(ref).serviceId, priority) }),
    assign: (ref) => desk.human.assign(ref, gotoIds.ali),
    close: (ref) => desk.human.close(ref),
  };
}
