import { fullName, type JitbitCore } from './core.ts';
import type { JitbitCategory, JitbitField, JitbitUser } from './state.ts';

/** JSON as the document prints it. */
export type Row = Record<string, unknown>;

/** The document's sections "UserByEmail" and "UserByUsername". */
export function userInfo(core: JitbitCore, user: JitbitUser): Row {
  return {
    ...currentUser(core, user),
    Password: null,
    CompanyNotes: null,
    PushToken: null,
    FullNameAndLogin: `${fullName(user)} (${user.username})`,
    FullName: fullName(user),
  };
}

/** The document's section "Authorization". */
export function currentUser(core: JitbitCore, user: JitbitUser): Row {
  return {
    UserID: user.id,
    Username: user.username,
    Email: user.email,
    FirstName: user.firstName,
    LastName: user.lastName,
    Notes: '',
    Location: '',
    Phone: '',
    Department: null,
    CompanyName: core.state.companies.get(user.companyId ?? 0)?.name ?? null,
    IPAddress: '::1',
    HostName: '::1',
    Lang: 'en-US',
    UserAgent: '',
    AvatarURL: null,
    Signature: '',
    Greeting: 'Hi #FirstName#',
    CompanyId: user.companyId,
    IsAdmin: user.isAdmin,
    Disabled: user.disabled,
    SendEmail: true,
    IsTech: user.isTech,
    LastSeen: '2020-02-28T04:48:00Z',
    IsManager: false,
  };
}

/** A row of "Users": fewer fields than the others. */
export function userRow(core: JitbitCore, user: JitbitUser): Row {
  return {
    UserID: user.id,
    FirstName: user.firstName,
    LastName: user.lastName,
    Notes: null,
    Location: '',
    Phone: '',
    CompanyName: core.state.companies.get(user.companyId ?? 0)?.name ?? null,
    CompanyId: user.companyId,
    DepartmentID: null,
    LastSeen: null,
    Username: user.username,
    Email: user.email,
    IsAdmin: user.isAdmin,
    Disabled: user.disabled,
  };
}

/** The document's section "Categories". */
export function categoryRow(category: JitbitCategory): Row {
  const { name, section } = category;
  return {
    CategoryID: category.id,
    Name: name,
    SectionID: category.sectionId,
    Section: section,
    // The sample under "Articles" prints the separator as an escaped backslash.
    NameWithSection: section === null ? name : `${section} \\ ${name}`,
    ForTechsOnly: category.forTechsOnly,
    FromAddress: null,
  };
}

/** The document's section "TechsForCategory". */
export function techRow(core: JitbitCore, user: JitbitUser): Row {
  const open = [...core.state.tickets.values()].filter(
    (ticket) => ticket.assignedToUserId === user.id && ticket.statusId !== 3,
  );
  return {
    UserID: user.id,
    Username: user.username,
    FirstName: user.firstName,
    LastName: user.lastName,
    TicketsAssigned: open.length,
    FullNameAndLogin: `${fullName(user)} (${user.username})`,
    FullName: fullName(user),
  };
}

/** The document's section "TicketCustomFields": a drop-down's `Value` is the option's id. */
export function fieldValueRow(field: JitbitField, value: string | null): Row {
  return {
    FieldName: field.name,
    FieldID: field.id,
    Type: field.type,
    UsageType: 1,
    Value: value,
    ValueWithOption: value === null ? null : (field.options.get(Number(value)) ?? value),
    Mandatory: false,
  };
}

/** The document's section "CustomFieldsForCategory"; the shape of an option is not printed there. */
export function fieldRow(field: JitbitField, index: number): Row {
  const options = [...field.options].map(([id, value]) => ({
    OptionID: id,
    FieldID: field.id,
    Value: value,
  }));
  return {
    FieldName: field.name,
    FieldID: field.id,
    Type: field.type,
    UsageType: 1,
    ForTechsOnly: false,
    Mandatory: false,
    OrderByNumber: index,
    ShowInGrid: true,
    SelectionComboOptions: options.length === 0 ? null : options,
  };
}
