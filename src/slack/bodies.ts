import { z } from 'zod';

/**
 * What Slack sends, parsed into the few fields that we use. The signature proves that it is Slack; that every field
 * is there it does not.
 */

const blockAction = z.object({
  action_id: z.string(),
  action_ts: z.string().default(''),
  value: z.string().optional(),
  selected_option: z.object({ value: z.string() }).nullish(),
});

export const pressBody = z.object({
  user: z.object({ id: z.string() }),
  trigger_id: z.string().default(''),
  container: z.object({ channel_id: z.string().optional(), message_ts: z.string().optional() }).default({}),
  actions: z.array(blockAction).min(1),
});

export const commandBody = z.object({
  command: z.string(),
  text: z.string().default(''),
  user_id: z.string(),
  channel_id: z.string().default(''),
  trigger_id: z.string().default(''),
});

export const viewBody = z.object({
  user: z.object({ id: z.string() }),
  view: z.object({
    id: z.string(),
    callback_id: z.string().default(''),
    private_metadata: z.string().default(''),
    state: z
      .object({ values: z.record(z.string(), z.record(z.string(), z.record(z.string(), z.unknown()))) })
      .default({ values: {} }),
  }),
});

export const homeBody = z.object({
  event: z.object({ type: z.string(), user: z.string(), tab: z.string().optional() }),
});

/** A button or a menu somebody used. */
export interface Press {
  readonly userId: string;
  readonly triggerId: string;
  readonly channel: string | null;
  readonly ts: string | null;
  readonly actionId: string;
  /** Slack's id of this one press. */
  readonly actionTs: string;
  /** The button's value, or the option chosen. */
  readonly value: string;
}

export type SlashCommand = z.output<typeof commandBody>;
export type Submission = z.output<typeof viewBody>;

/** @throws ZodError when it is not the body of a press */
export function readPress(body: unknown): Press {
  const { user, trigger_id: triggerId, container, actions } = pressBody.parse(body);
  const action = actions[0];
  return {
    userId: user.id,
    triggerId,
    channel: container.channel_id ?? null,
    ts: container.message_ts ?? null,
    actionId: action?.action_id ?? '',
    actionTs: action?.action_ts ?? '',
    value: action?.selected_option?.value ?? action?.value ?? '',
  };
}
