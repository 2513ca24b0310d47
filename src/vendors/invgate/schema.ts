import { z } from 'zod';
import { date, id } from '../http/scalars.ts';

/**
 * The parts of InvGate's answers that we read, parsed leniently: only what makes a row a row must be there. The
 * manual's call names stand beside each schema; [O] marks shapes of the integration reference, 2.2 and 2.4.
 */

/** No value is null, 0 or "". */
const optionalId = z
  .union([z.int(), z.string()])
  .nullish()
  .transform((value) => (value === undefined || value === null || value === 0 || value === '' ? null : value))
  .transform((value) => (value === null || value === '0' ? null : String(value)))
  .catch(null);
const text = z
  .union([z.string(), z.number().transform(String)])
  .nullish()
  .transform((value) => value ?? null)
  .catch(null);
/** true/false or 0/1, also as text, by call [O]; null where it is missing. */
const flag = z
  .union([z.boolean(), z.int(), z.string()])
  .nullish()
  .transform((value) => (value === undefined || value === null ? null : /^(?:true|1)$/i.test(String(value))))
  .catch(null);

/** `incident.comment`, and `comments` inside of `incidents?comments=1`, where `is_solution` is missing [O]. */
export const DeskComment = z.object({
  id,
  author_id: optionalId,
  message: text,
  created_at: date,
  customer_visible: flag,
  is_solution: flag,
});
export type DeskComment = z.infer<typeof DeskComment>;

/** `incident`, `incidents`, `incidents.last.hour`, `incidents.by.customer`. */
export const Incident = z.object({
  id,
  // A row without a status is a row of something else: a view, a link.
  status_id: id,
  pretty_id: text,
  title: text,
  description: text,
  priority_id: optionalId,
  type_id: optionalId,
  category_id: optionalId,
  source_id: optionalId,
  /** The customer. */
  user_id: optionalId,
  creator_id: optionalId,
  assigned_id: optionalId,
  /** A help desk, although it is called a group. */
  assigned_group_id: optionalId,
  /** Newer versions only. */
  location_id: optionalId,
  created_at: date,
  /** So spelt by the vendor. */
  date_ocurred: date,
  last_update: date,
  solved_at: date,
  closed_at: date,
  /** Texts that describe a state, not dates. */
  sla_incident_resolution: text,
  sla_incident_first_reply: text,
  /** `[]` when empty, else values by uid; those of a list look like `{ "<hash>": "<label>" }` [O]. */
  custom_fields: z.unknown(),
  comments: z.array(DeskComment).nullish().catch(null),
});
export type Incident = z.infer<typeof Incident>;

/** A row of `incidents.details.by.view`: whichever columns the view has; only these two are used. */
export const ViewRow = z.object({
  id,
  last_update: z.union(
    [
      z.object({ value: z.union([z.string(), z.number()]) }).transform(({ value }) => value),
      z.string(),
      z.number(),
    ],
    { error: 'the view needs the column "last update"' },
  ),
});

/** `triggers.executions` and `triggers`. */
export const Execution = z.object({ id, trigger_id: id, request_id: optionalId, executed_at: date });
export const Trigger = z.object({ id, trigger_name: text, name: text });

/** `incident.approval`. */
export const Approval = z.object({
  id,
  status: z.union([z.int(), z.string()]).transform(Number),
  type: optionalId,
  author_id: optionalId,
  approval_request_description: text,
  created_at: date,
});
export type Approval = z.infer<typeof Approval>;
/** The manual says `id`, desks answer `user_id` [O]. */
export const Voter = z.object({ id: optionalId, user_id: optionalId });

/** `breakingnews.all`. */
export const News = z.object({
  id,
  title: text,
  body: text,
  type_id: optionalId,
  status_id: optionalId,
  affected_helpdesk_ids: z.array(id).catch([]),
  affected_group_ids: z.array(id).catch([]),
  resolution_time: date,
  created_by_id: optionalId,
  created_at: date,
});
export type News = z.infer<typeof News>;

/** `timetracking`: the manual calls the id `timetracking_id`, newer versions `id`. */
export const TimeEntry = z.object({
  id: optionalId,
  timetracking_id: optionalId,
  user_id: optionalId,
  comment: text,
  status: optionalId,
});

/** Lookups: `helpdesks`, `locations`, `incident.attributes.*`; `categories` call the parent differently. */
export const NamedRow = z.object({ id, name: text, parent_id: optionalId, parent_category_id: optionalId });
export type NamedRow = z.infer<typeof NamedRow>;
export const FieldRow = z.object({ uid: id, label: text, type: optionalId });
export type FieldRow = z.infer<typeof FieldRow>;

/** `user`, `user.by`, `users`. */
export const DeskUser = z.object({
  id,
  username: text,
  name: text,
  lastname: text,
  email: text,
  /** 1 agent, 2 end user. */
  user_type: optionalId,
});
export type DeskUser = z.infer<typeof DeskUser>;

/** Bare ids, for `incident.observer`; objects with an id, for `incident.link`. */
export const BareId = z.union([id, z.object({ id }).transform((row) => row.id)]);
