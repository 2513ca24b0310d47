import { z } from 'zod';
import { date, flag, id, number, text } from '../http/scalars.ts';

/**
 * The parts of BOSSDesk's answers that we read, parsed leniently: ids must be there, anything else that is missing
 * or of another type is null. Section names are those of the vendor's manual.
 */

const optionalId = id
  .nullish()
  .transform((value) => value ?? null)
  .catch(null);
const listOf = <T extends z.ZodType>(item: T) => z.array(item).nullish().catch(null);

const named = z.object({ id, name: text });
const optionalNamed = named
  .nullish()
  .transform((value) => value ?? null)
  .catch(null);

/** A person as nested objects and "Retrieving the user list" show him; e-mail and group only in some places. */
export const DeskUser = z.object({
  id,
  friendly_id: optionalId,
  first_name: text,
  last_name: text,
  username: text,
  email: text,
  is_agent: flag,
  group: optionalNamed,
});
export type DeskUser = z.infer<typeof DeskUser>;
const optionalUser = DeskUser.nullish()
  .transform((value) => value ?? null)
  .catch(null);

/** "Retrieving the ticket list": a row. */
export const TicketListRow = z.object({
  id,
  friendly_id: id,
  title: text,
  status: text,
  due_at: date,
  type: z
    .object({ id, name: text, shortcut: text })
    .nullish()
    .transform((value) => value ?? null)
    .catch(null),
  priority: optionalNamed,
  category: optionalNamed,
  extended_status: optionalNamed,
  requester: optionalUser,
  agent: optionalUser,
});
export type TicketListRow = z.infer<typeof TicketListRow>;

export const TicketComment = z.object({
  id,
  body: text,
  created_at: date,
  is_public: flag,
  from_agent: flag,
  created_by: optionalUser,
});
export type TicketComment = z.infer<typeof TicketComment>;

export const TicketTask = z.object({
  id,
  title: text,
  note: text,
  created_at: date,
  due_at: date,
  closed_at: date,
  team: optionalNamed,
  agent: optionalUser,
  created_by: optionalUser,
});
export type TicketTask = z.infer<typeof TicketTask>;

export const TicketTimeEntry = z.object({ id, date: text, duration: number, agent: optionalUser });
export type TicketTimeEntry = z.infer<typeof TicketTimeEntry>;

export const ApprovalRequest = z.object({
  id,
  status: text,
  comment: text,
  created_at: date,
  responded_at: date,
  user: optionalUser,
});
export type ApprovalRequest = z.infer<typeof ApprovalRequest>;

/** "Retrieving one ticket": everything, with its children. */
export const TicketDetail = TicketListRow.extend({
  description: text,
  source: text,
  custom_fields: z.record(z.string(), z.unknown()).nullish().catch(null),
  created_at: date,
  updated_at: date,
  closed_at: date,
  lock_version: number,
  team: optionalNamed,
  tags: listOf(named),
  comments: listOf(TicketComment),
  tasks: listOf(TicketTask),
  time_entries: listOf(TicketTimeEntry),
  approval_requests: listOf(ApprovalRequest),
});
export type TicketDetail = z.infer<typeof TicketDetail>;

/** A row of any lookup: categories, priorities, extended statuses, types, teams, tags. */
export const LookupRow = z.object({ id, name: text, owner_class: text });
export type LookupRow = z.infer<typeof LookupRow>;

/** "Retrieving the custom field list"; `type_id` as listed there. */
export const CustomField = z.object({
  id,
  name: text,
  owner_class: text,
  type_id: number,
  options: listOf(named),
});
export type CustomField = z.infer<typeof CustomField>;

/** "Retrieving account info and settings". */
export const Account = z.object({ name: text, full_domain: text });

/** What a POST answers: the new thing's ids. */
export const Created = z.object({ id, friendly_id: optionalId, date: text });
