import { isTechIn } from './access.ts';
import { fullName, type JitbitCore } from './core.ts';
import { userInfo, type Row } from './lookup-rows.ts';
import { jitbitOrigins, type JitbitComment, type JitbitTicket, type JitbitUser } from './state.ts';

/** .NET prints UTC with the trailing zeros of the fraction cut off: `…:50.91Z`, `…:00Z`. */
export function stamp(at: number): string;
export function stamp(at: number | null): string | null;
export function stamp(at: number | null): string | null {
  return at === null ? null : new Date(at).toISOString().replace(/\.?0*Z$/, 'Z');
}

/** A row of `Tickets`, document section "Tickets": no body, no tags, no comments. */
export function listRow(core: JitbitCore, ticket: JitbitTicket, parents: ReadonlySet<number>): Row {
  return {
    ...sharedRow(core, ticket, parents),
    Origin: jitbitOrigins[ticket.origin] ?? 'WebApp',
    LastUpdatedByUserID: ticket.lastUpdatedByUserId,
    LastUpdatedUsername: core.state.users.get(ticket.lastUpdatedByUserId ?? 0)?.username ?? '',
    StartDate: stamp(ticket.startDate),
  };
}

/** A row of `SubTickets`: there `Origin` is a number and `StatusColor` appears. */
export function subTicketRow(core: JitbitCore, ticket: JitbitTicket): Row {
  const user = core.state.users.get(ticket.lastUpdatedByUserId ?? 0);
  return {
    ...sharedRow(core, ticket, parentIds(core)),
    Origin: ticket.origin,
    StatusColor: null,
    LastUpdatedByUserID: ticket.lastUpdatedByUserId,
    LastUpdatedUsername: user?.username ?? null,
  };
}

/** The tickets that have sub-tickets, found once for a whole page. */
export function parentIds(core: JitbitCore): Set<number> {
  const ids = new Set<number>();
  for (const { parentId } of core.state.tickets.values()) if (parentId !== null) ids.add(parentId);
  return ids;
}

function sharedRow(core: JitbitCore, ticket: JitbitTicket, parents: ReadonlySet<number>): Row {
  const { users, categories, companies, statuses } = core.state;
  const submitter = users.get(ticket.userId);
  const tech = users.get(ticket.assignedToUserId ?? 0);
  const category = categories.get(ticket.categoryId);
  const companyId = submitter?.companyId ?? null;
  return {
    IssueID: ticket.id,
    Priority: ticket.priority,
    StatusID: ticket.statusId,
    IssueDate: stamp(ticket.issueDate),
    Subject: ticket.subject,
    Status: statuses.get(ticket.statusId) ?? '',
    UpdatedByUser: ticket.updatedByUser,
    UpdatedByPerformer: ticket.updatedByPerformer,
    CategoryID: ticket.categoryId,
    UserName: submitter?.username ?? '',
    Technician: tech?.username ?? null,
    FirstName: submitter?.firstName ?? '',
    LastName: submitter?.lastName ?? '',
    DueDate: stamp(ticket.dueDate),
    TechFirstName: tech?.firstName ?? null,
    TechLastName: tech?.lastName ?? null,
    LastUpdated: stamp(ticket.lastUpdated),
    UpdatedForTechView: ticket.updatedForTechView,
    UserID: ticket.userId,
    CompanyID: companyId,
    CompanyName: companies.get(companyId ?? 0)?.name ?? null,
    AssignedToUserID: ticket.assignedToUserId,
    ResolvedDate: stamp(ticket.resolvedDate),
    SectionID: category?.sectionId ?? null,
    Category: category?.name ?? '',
    Email: submitter?.email ?? '',
    HasChildren: parents.has(ticket.id),
  };
}

/** The document's section "Ticket": here the id is called `TicketID`. */
export function ticketDetail(core: JitbitCore, ticket: JitbitTicket, reader: JitbitUser): Row {
  const { users, categories, statuses } = core.state;
  const category = categories.get(ticket.categoryId);
  const submitter = users.get(ticket.userId);
  const assignee = users.get(ticket.assignedToUserId ?? 0);
  return {
    Attachments: ticket.attachments.map((name, index) => attachment(ticket, name, index)),
    Tags: ticket.tags.map((name) => ({ TagID: tagId(name), Name: name, TagCount: 0 })),
    Status: statuses.get(ticket.statusId) ?? '',
    OnBehalfUserName: null,
    SubmitterUserInfo: submitter === undefined ? null : userInfo(core, submitter),
    CategoryName: category?.name ?? '',
    AssigneeUserInfo: assignee === undefined ? null : userInfo(core, assignee),
    TicketID: ticket.id,
    UserID: ticket.userId,
    AssignedToUserID: ticket.assignedToUserId,
    IssueDate: stamp(ticket.issueDate),
    Subject: ticket.subject,
    Body: ticket.body,
    Priority: ticket.priority,
    StatusID: ticket.statusId,
    CategoryID: ticket.categoryId,
    DueDate: stamp(ticket.dueDate),
    ResolvedDate: stamp(ticket.resolvedDate),
    StartDate: stamp(ticket.startDate),
    TimeSpentInSeconds: ticket.timeSpentInSeconds,
    UpdatedByUser: ticket.updatedByUser,
    UpdatedByPerformer: ticket.updatedByPerformer,
    UpdatedForTechView: ticket.updatedForTechView,
    IsCurrentUserTechInThisCategory: isTechIn(core, reader, ticket.categoryId),
    IsCurrentCategoryForTechsOnly: category?.forTechsOnly ?? false,
    SubmittedByCurrentUser: reader.id === ticket.userId,
    IsInKb: false,
    Stats: null,
  };
}

function attachment(ticket: JitbitTicket, name: string, index: number): Row {
  const id = ticket.id * 100 + index;
  return {
    FileName: name,
    FileData: null,
    FileID: id,
    CommentID: null,
    CommentDate: stamp(ticket.issueDate),
    FileHash: null,
    FileSize: 0,
    IssueID: ticket.id,
    UserID: ticket.userId,
    GoogleDriveUrl: null,
    ForTechsOnly: false,
    Url: `/helpdesk/File/Get?id=${id}`,
  };
}

function tagId(name: string): number {
  let sum = 0;
  for (const letter of name.toLowerCase()) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) % 100_000;
  return sum + 1;
}

/** The document's section "Comments". */
export function commentRow(core: JitbitCore, comment: JitbitComment): Row {
  const author = core.state.users.get(comment.userId);
  const recipients = comment.recipientIds.map((id) => fullName(core.state.users.get(id)));
  return {
    CommentID: comment.id,
    IssueID: comment.ticketId,
    UserID: comment.userId,
    UserName: author?.username ?? '',
    Email: author?.email ?? '',
    FirstName: author?.firstName ?? '',
    LastName: author?.lastName ?? '',
    IsSystem: comment.isSystem,
    CommentDate: stamp(comment.date),
    ForTechsOnly: comment.forTechsOnly,
    Body: comment.body,
    TicketSubject: null,
    Recipients: recipients.join(', '),
  };
}

/** The document's section "LinkedTickets". */
export function linkedRow(core: JitbitCore, ticket: JitbitTicket): Row {
  const submitter = core.state.users.get(ticket.userId);
  return {
    TicketID: ticket.id,
    Subject: ticket.subject,
    StatusID: ticket.statusId,
    UpdatedByUser: ticket.updatedByUser,
    UpdatedByPerformer: ticket.updatedByPerformer,
    CompanyID: submitter?.companyId ?? null,
    UserID: ticket.userId,
    Username: submitter?.username ?? '',
    FirstName: submitter?.firstName ?? '',
    LastName: submitter?.lastName ?? '',
    IssueDate: stamp(ticket.issueDate),
  };
}
