/** What the simulated Slack workspace holds. */
export interface SlackUser {
  readonly id: string;
  readonly name: string;
  readonly realName: string;
  readonly email: string;
  readonly isBot: boolean;
  deleted: boolean;
}

export interface SlackChannel {
  readonly id: string;
  readonly name: string;
  readonly kind: 'public' | 'private' | 'im';
  isArchived: boolean;
  /** Whether the bot was invited; it neither writes nor reads elsewhere. */
  botIsMember: boolean;
  /** The other person of a direct message. */
  readonly userId: string | null;
}

export interface SlackMessage {
  readonly channel: string;
  readonly ts: string;
  readonly threadTs: string | null;
  readonly user: string;
  text: string;
  blocks: readonly SlackBlock[];
  metadata: SlackMetadata | null;
  readonly unfurlLinks: boolean | null;
  readonly unfurlMedia: boolean | null;
  /** The `ts` of the last `chat.update`. */
  editedTs: string | null;
  /** How often it was updated. */
  updates: number;
  deleted: boolean;
  /** By the simulator's clock. */
  readonly at: number;
}

export type SlackBlock = Readonly<Record<string, unknown>>;

export interface SlackMetadata {
  readonly event_type: string;
  readonly event_payload: Readonly<Record<string, unknown>>;
}

/** A message only one person saw; Slack keeps none of them. */
export interface SlackEphemeral {
  readonly channel: string;
  readonly user: string;
  readonly text: string;
  readonly blocks: readonly SlackBlock[];
  readonly ts: string;
}

/** A view shown to somebody: the home tab by `views.publish`, a dialog by `views.open`. */
export interface SlackView {
  readonly method: 'views.publish' | 'views.open' | 'views.update' | 'views.push';
  readonly id: string;
  readonly userId: string | null;
  readonly triggerId: string | null;
  readonly view: Readonly<Record<string, unknown>>;
}

export interface SlackState {
  readonly users: Map<string, SlackUser>;
  readonly channels: Map<string, SlackChannel>;
  readonly groups: Map<string, { readonly handle: string; users: string[] }>;
  readonly messages: SlackMessage[];
  readonly ephemerals: SlackEphemeral[];
  readonly views: SlackView[];
  /** Trigger ids handed out by interactions, each good for one `views.open`. */
  readonly triggerIds: Set<string>;
}

/** Ids of the seed. */
export const slackIds = {
  team: 'T0ACME',
  bot: 'U0BOT',
  nora: 'U0NORA',
  ali: 'U0ALI',
  lead: 'U0LEAD',
  guest: 'U0GUEST',
  noc: 'C0NOC',
  deskOps: 'C0OPS',
  general: 'C0GENERAL',
  notJoined: 'C0OTHER',
  archived: 'C0OLD',
  secret: 'G0SECRET',
  agents: 'S0AGENTS',
} as const;

export function seedSlack(): SlackState {
  const person = (id: string, name: string, realName: string, isBot = false): [string, SlackUser] => [
    id,
    { id, name, realName, email: isBot ? '' : `${name}@acme.com`, isBot, deleted: false },
  ];
  const room = (id: string, name: string, rest: Partial<SlackChannel> = {}): [string, SlackChannel] => [
    id,
    { id, name, kind: 'public', isArchived: false, botIsMember: true, userId: null, ...rest },
  ];
  return {
    users: new Map([
      person(slackIds.bot, 'deskhand', 'Deskhand', true),
      person(slackIds.nora, 'nora', 'Nora Yilmaz'),
      person(slackIds.ali, 'ali', 'Ali Demir'),
      person(slackIds.lead, 'lead', 'Lea Decker'),
      person(slackIds.guest, 'guest', 'Gus Est'),
    ]),
    channels: new Map([
      room(slackIds.noc, 'noc'),
      room(slackIds.deskOps, 'desk-ops'),
      room(slackIds.general, 'general'),
      room(slackIds.notJoined, 'random', { botIsMember: false }),
      room(slackIds.archived, 'old-projects', { isArchived: true }),
      room(slackIds.secret, 'board', { kind: 'private', botIsMember: false }),
    ]),
    groups: new Map([[slackIds.agents, { handle: 'agents', users: [slackIds.nora, slackIds.ali] }]]),
    messages: [],
    ephemerals: [],
    views: [],
    triggerIds: new Set(),
  };
}
