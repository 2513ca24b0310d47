import type { DeskPeople, Story, StoryPriority } from './people.ts';
import { seededRandom, type Random } from './simulators/support/random.ts';

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

/** Opens every stream, so that a demo shows its most telling ticket first. */
const opening: Story = {
  title: 'VPN down, nobody in the office can connect',
  body: 'Since a few minutes nobody gets through. The board meets at ten.',
  category: 'VPN',
  requester: 'ceo@acme.com',
  priority: 'high',
};

const stories: readonly Story[] = [
  story('Wi-Fi is gone on floor 3', 'Network', 'lena@acme.com', 'high'),
  story('Printer jams on every second page', 'Hardware > Printer', 'mert@acme.com', 'low'),
  story('Locked out after three tries', 'Accounts', 'cfo@acme.com', 'high'),
  story('Laptop does not wake up', 'Hardware > Laptop', 'sam@globex.test', 'normal'),
  story('Please add Ece to the project mailbox', 'Accounts', 'mert@acme.com', 'low'),
  story('Video calls freeze over the VPN', 'VPN', 'cfo@acme.com', 'high'),
  story('Core switch reports lost packets', 'Network', 'sam@globex.test', 'critical'),
  story('Test, please ignore', 'Network', 'mert@acme.com', 'low'),
];

const replies = [
  'Any news on this?',
  'It happens again right now.',
  'Restarting did not help, thanks.',
  'It works again, thank you!',
];

function story(title: string, category: string, requester: string, priority: StoryPriority): Story {
  return { title, body: `${title}. Can somebody have a look?`, category, requester, priority };
}

/** A seeded stream of plausible tickets, edits and replies on a desk; the same seed gives the same demo. */
export function createStream(people: DeskPeople, options: { readonly seed?: number } = {}): HappeningStream {
  const random = seededRandom(options.seed ?? 2026);
  const own: number[] = [];
  return {
    nextHappening: () => {
      const open = own.filter((id) => people.isOpen(id));
      const happening = own.length === 0 ? file(people, opening) : choose(people, random, open);
      if (happening.kind === 'created') own.push(happening.ticketId);
      return { ...happening, nextInMs: 3_000 + random.below(7_000) };
    },
  };
}

type Unscheduled = Omit<Happening, 'nextInMs'>;

function choose(people: DeskPeople, random: Random, open: readonly number[]): Unscheduled {
  if (open.length < 2 || random.next() < 0.35) return file(people, random.pick(stories));
  const ticketId = random.pick(open);
  const title = people.title(ticketId);
  const roll = random.next();
  if (roll < 0.4) {
    const said = random.pick(replies);
    people.reply(ticketId, said);
    return { kind: 'replied', ticketId, text: `#${ticketId} ${title}: "${said}"` };
  }
  if (roll < 0.6) {
    const priority = random.pick(['high', 'critical'] as const);
    people.raise(ticketId, priority);
    return { kind: 'edited', ticketId, text: `#${ticketId} ${title}: priority raised to ${priority}` };
  }
  if (roll < 0.8) {
    people.assign(ticketId);
    return { kind: 'assigned', ticketId, text: `#${ticketId} ${title}: Nora gave it to Ali` };
  }
  people.close(ticketId);
  return { kind: 'closed', ticketId, text: `#${ticketId} ${title}: closed` };
}

function file(people: DeskPeople, wanted: Story): Unscheduled {
  const ticketId = people.file(wanted);
  return { kind: 'created', ticketId, text: `#${ticketId} ${wanted.title} (${wanted.requester})` };
}
