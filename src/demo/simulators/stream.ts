import type { JitbitDesk } from './jitbit/jitbit-desk.ts';
import { seededRandom, type Random } from './support/random.ts';

/** One thing a person just did at the desk. */
export interface Happening {
  readonly kind: 'created' | 'edited' | 'replied' | 'assigned' | 'closed';
  readonly ticketId: number;
  /** A line for the terminal. */
  readonly text: string;
  /** How long people wait before the next one. */
  readonly nextInMs: number;
}

export interface HappeningStream {
  /** Makes the next thing happen at the desk and says what it was. */
  nextHappening(): Happening;
}

interface Story {
  readonly subject: string;
  readonly body: string;
  readonly category: string;
  readonly requester: string;
  readonly priority: number;
  readonly tags?: readonly string[];
}

/** Opens every stream, so that a demo shows its most telling ticket first. */
const opening: Story = {
  subject: 'VPN down, nobody in the office can connect',
  body: 'Since a few minutes nobody gets through. The board meets at ten.',
  category: 'VPN',
  requester: 'ceo@acme.com',
  priority: 2,
  tags: ['vip'],
};

const stories: readonly Story[] = [
  story('Wi-Fi is gone on floor 3', 'Network', 'lena@acme.com', 1),
  story('Printer jams on every second page', 'Hardware > Printer', 'mert@acme.com', -1),
  story('Locked out after three tries', 'Accounts', 'cfo@acme.com', 1),
  story('Laptop does not wake up', 'Hardware > Laptop', 'sam@globex.test', 0),
  story('Please add Ece to the project mailbox', 'Accounts', 'mert@acme.com', -1),
  story('Video calls freeze over the VPN', 'VPN', 'cfo@acme.com', 1),
  story('Core switch reports lost packets', 'Network', 'sam@globex.test', 2),
  story('Test, please ignore', 'Network', 'mert@acme.com', -1),
];

const replies = [
  'Any news on this?',
  'It happens again right now.',
  'Restarting did not help, thanks.',
  'It works again, thank you!',
];

function story(subject: string, category: string, requester: string, priority: number): Story {
  return { subject, body: `${subject}. Can somebody have a look?`, category, requester, priority };
}

/** A seeded stream of plausible tickets, edits and replies on a Jitbit desk; the same seed gives the same demo. */
export function createStream(desk: JitbitDesk, options: { readonly seed?: number } = {}): HappeningStream {
  const random = seededRandom(options.seed ?? 2026);
  const own: number[] = [];
  return {
    nextHappening: () => {
      const open = own.filter(
        (id) => desk.state.tickets.get(id)?.statusId !== 3 && desk.state.tickets.has(id),
      );
      const happening = own.length === 0 ? file(desk, opening) : choose(desk, random, open);
      if (happening.kind === 'created') own.push(happening.ticketId);
      return { ...happening, nextInMs: 2000 + random.below(5000) };
    },
  };
}

type Unscheduled = Omit<Happening, 'nextInMs'>;

function choose(desk: JitbitDesk, random: Random, open: readonly number[]): Unscheduled {
  if (open.length < 2 || random.next() < 0.35) return file(desk, random.pick(stories));
  const ticketId = random.pick(open);
  const { subject } = desk.ticket(ticketId);
  const roll = random.next();
  if (roll < 0.4) {
    const said = random.pick(replies);
    desk.human.comment(ticketId, said, { by: 'requester' });
    return { kind: 'replied', ticketId, text: `#${ticketId} ${subject}: "${said}"` };
  }
  if (roll < 0.6) {
    const priority = random.below(2) + 1;
    desk.human.edit(ticketId, { priority });
    return {
      kind: 'edited',
      ticketId,
      text: `#${ticketId} ${subject}: priority raised to ${priority === 1 ? 'High' : 'Critical'}`,
    };
  }
  if (roll < 0.8) {
    desk.human.assign(ticketId, 'ali@acme.com');
    return { kind: 'assigned', ticketId, text: `#${ticketId} ${subject}: Nora gave it to Ali` };
  }
  desk.human.close(ticketId);
  return { kind: 'closed', ticketId, text: `#${ticketId} ${subject}: closed` };
}

function file(desk: JitbitDesk, { tags = [], ...values }: Story): Unscheduled {
  const ticketId = desk.human.create({ ...values, tags });
  return { kind: 'created', ticketId, text: `#${ticketId} ${values.subject} (${values.requester})` };
}
