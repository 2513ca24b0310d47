import { z } from 'zod';
import { date, id, number, text } from '../http/scalars.ts';

/**
 * The parts of GoToAssist's answers that we read, after unwrapping (envelope.ts), parsed leniently: ids must be there,
 * anything else that is missing or of another type is null. Section names are those of the API guide.
 */

/** Absent things are null, `""` or missing. */
const optional = <T extends z.ZodType>(shape: T) => shape.nullable().catch(null);
const listOf = <T extends z.ZodType>(item: T) => z.array(item).nullish().catch(null);

/** Groups are users with a `group_link` (guide, "Show Users": "a list of users, including groups"). */
export const DeskUser = z.object({
  id,
  full_name: text,
  first_name: text,
  last_name: text,
  group_link: text,
  email: text,
});
export type DeskUser = z.infer<typeof DeskUser>;

export const Named = z.object({ id, name: text });

export const Priority = z.object({ id, description: text, level: number });
export type Priority = z.infer<typeof Priority>;

/** "Show Note". */
export const Note = z.object({
  id,
  note: text,
  created_at: date,
  user: optional(DeskUser),
  external_email: text,
});
export type Note = z.infer<typeof Note>;

/** "Show Incidents": a row. */
export const IncidentRow = z.object({
  id,
  reference_num: id,
  title: text,
  created_at: date,
  last_active_at: date,
  due_date: date,
  due_to_escalate_at: date,
  closed_at: date,
  service: optional(Named),
  priority: optional(Priority),
  assigned_user: optional(DeskUser),
  owner: optional(DeskUser),
  updated_by_user: optional(DeskUser),
  resolved_by_user: optional(DeskUser),
});
export type IncidentRow = z.infer<typeof IncidentRow>;

/** "Show Incident". */
export const Incident = IncidentRow.extend({
  status: text,
  opened_at: date,
  resolved_at: date,
  service_activity_type: optional(Named),
  category: optional(Named),
  customer: optional(DeskUser),
  additional_values: z.record(z.string(), z.unknown()).nullish().catch(null),
  symptoms: listOf(Note),
  comments: listOf(Note),
  resolutions: listOf(Note),
});
export type Incident = z.infer<typeof Incident>;

/** "Show Service": what its incidents may have. */
export const Service = z.object({
  id,
  name: text,
  service_priorities: listOf(Priority),
  incident_types: listOf(Named),
  beetil_categories: listOf(Named),
});
export type Service = z.infer<typeof Service>;

/** "Show Customer"; the guide spells its company with a capital. */
export const Customer = z.object({
  id,
  first_name: text,
  last_name: text,
  email: text,
  Company: optional(Named),
});
export type Customer = z.infer<typeof Customer>;

export const Watch = z.object({ id, watched_by: optional(DeskUser) });

/** "Show Links": a list per kind of record; here only the ids in them. */
export const Links = z.object({
  incidents: listOf(z.object({ incident_id: id }).transform((one) => one.incident_id)),
  problems: listOf(z.object({ problem_id: id }).transform((one) => one.problem_id)),
  changes: listOf(z.object({ change_id: id }).transform((one) => one.change_id)),
  releases: listOf(z.object({ release_id: id }).transform((one) => one.release_id)),
});

/** "Show Time Entries"; `custom` is what the entry was made against. */
export const TimeEntry = z.object({
  id,
  hours: number,
  description: text,
  custom: text,
  created_at: date,
  user: optional(DeskUser),
});
export type TimeEntry = z.infer<typeof TimeEntry>;
