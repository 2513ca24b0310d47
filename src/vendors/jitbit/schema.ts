import { z } from 'zod';
import { date, flag, id, number, text } from '../http/scalars.ts';

/**
 * The parts of Jitbit's answers that we read, parsed leniently: only an id must be there, anything else that is
 * missing or of another type is null. The document's section names stand beside each schema.
 */

/** 0 means "none" in UpdateTicket; lists say null. */
const optionalId = id
  .nullish()
  .transform((value) => (value === undefined || value === '0' ? null : value))
  .catch(null);

/** Section "TicketCustomFields". `Value` of a drop-down is the option's id, `ValueWithOption` its text. */
export const FieldValue = z.object({
  FieldID: id,
  FieldName: text,
  Type: number,
  Value: z.union([z.string(), z.number(), z.boolean()]).nullish().catch(null),
  ValueWithOption: z.union([z.string(), z.number()]).nullish().catch(null),
});
export type FieldValue = z.infer<typeof FieldValue>;

/** What a list row and the detail have in common. */
const common = {
  UserID: optionalId,
  AssignedToUserID: optionalId,
  IssueDate: date,
  Subject: text,
  Priority: number,
  StatusID: optionalId,
  Status: text,
  CategoryID: optionalId,
  DueDate: date,
  ResolvedDate: date,
  UpdatedByUser: flag,
  UpdatedByPerformer: flag,
};

/** Section "Tickets": a row of the list. */
export const TicketListRow = z.object({
  ...common,
  IssueID: id,
  LastUpdated: date,
  Category: text,
  SectionID: optionalId,
  UserName: text,
  FirstName: text,
  LastName: text,
  Email: text,
  Technician: text,
  TechFirstName: text,
  TechLastName: text,
  CompanyID: optionalId,
  CompanyName: text,
  // Text in lists, a number in SubTickets.
  Origin: z.union([z.string(), z.number()]).nullish().catch(null),
  LastUpdatedByUserID: optionalId,
  LastUpdatedUsername: text,
  /** Only with includeCustomFields; the document does not print where, so several places are accepted. */
  CustomFields: z.array(FieldValue).nullish().catch(null),
  TicketCustomFields: z.array(FieldValue).nullish().catch(null),
});
export type TicketListRow = z.infer<typeof TicketListRow>;

/** User objects of all calls; which keys appear differs (sections "User…", "Users", "TechsForCategory"). */
export const DeskUser = z.object({
  UserID: id,
  Username: text,
  // Comments spell it UserName.
  UserName: text,
  Email: text,
  FirstName: text,
  LastName: text,
  FullName: text,
  CompanyId: optionalId,
  CompanyName: text,
  IsAdmin: flag,
  IsTech: flag,
});
export type DeskUser = z.infer<typeof DeskUser>;

/** Section "Ticket". */
export const TicketDetail = z.object({
  ...common,
  TicketID: id,
  Body: text,
  Tags: z
    .array(z.object({ Name: text }))
    .nullish()
    .catch(null),
  CategoryName: text,
  SubmitterUserInfo: DeskUser.nullish().catch(null),
  AssigneeUserInfo: DeskUser.nullish().catch(null),
  TimeSpentInSeconds: number,
  /** Not in the document's sample, but newer versions send it. */
  LastUpdated: date,
});
export type TicketDetail = z.infer<typeof TicketDetail>;

/** Section "Comments". */
export const TicketComment = z.object({
  CommentID: id,
  UserID: optionalId,
  UserName: text,
  Email: text,
  FirstName: text,
  LastName: text,
  IsSystem: flag,
  CommentDate: date,
  ForTechsOnly: flag,
  Body: text,
});
export type TicketComment = z.infer<typeof TicketComment>;

/** Section "Categories". */
export const DeskCategory = z.object({
  CategoryID: id,
  Name: text,
  SectionID: optionalId,
  Section: text,
  NameWithSection: text,
});
export type DeskCategory = z.infer<typeof DeskCategory>;

/** Section "CustomFieldsForCategory"; the document does not print an option. */
const fieldOption = z.record(z.string(), z.unknown());
export const FieldDefinition = z.object({
  FieldID: id,
  FieldName: text,
  Type: number,
  SelectionComboOptions: z.array(fieldOption).nullish().catch(null),
});
export type FieldDefinition = z.infer<typeof FieldDefinition>;

/** Section "LinkedTickets". */
export const LinkedTicket = z.object({ TicketID: id });
