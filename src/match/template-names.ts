import { didYouMean } from '../did-you-mean.ts';

/** The names that texts may use: roots and their parts. Unknown names are refused when a rule is loaded. */

export const TEMPLATE_ROOTS = [
  'event',
  'ticket',
  'comment',
  'trigger',
  'changes',
  'body',
  'rule',
  'run',
  'oncall',
  'connection',
] as const;
export type TemplateRoot = (typeof TEMPLATE_ROOTS)[number];

/** Roots and values that a text may use; a missing root prints nothing. */
export type TemplateScope = Partial<Record<TemplateRoot, unknown>>;

/** `any`: whatever stands there; `text`: no parts; otherwise the parts. */
type Shape = 'any' | 'text' | { readonly [part: string]: Shape };

const parts = (names: string): Record<string, Shape> =>
  Object.fromEntries(names.split(' ').map((name) => [name, 'text' as const]));

const NAMED = parts('id name');
const PERSON = parts('id name email kind');
const CHANGE = { from: 'any', to: 'any', by: 'text' } as const;

const TICKET: Shape = {
  ...parts('id internal_id display_id url title description phase created_at occurred_at updated_at'),
  ...parts('resolved_at closed_at due_at escalate_at awaiting acknowledged snoozed revision'),
  status: NAMED,
  sub_status: NAMED,
  priority: parts('id name level'),
  type: NAMED,
  category: parts('id name path'),
  queue: NAMED,
  assignee: PERSON,
  requester: PERSON,
  creator: PERSON,
  last_updated_by: PERSON,
  company: NAMED,
  location: NAMED,
  channel: NAMED,
  tags: 'any',
  custom: 'any',
  raw: 'any',
  sla: parts('response_due_at resolution_due_at state'),
};

const COMMENT: Shape = { ...parts('id at text public system solution'), author: PERSON };
const TRIGGER: Shape = parts('id name execution_id executed_at');

/** Every diffed field, with its change below it. */
const CHANGES: Shape = {
  ...Object.fromEntries(Object.keys(TICKET).map((field) => [field, CHANGE])),
  sla: 'any',
  custom: 'any',
};

const ROOTS: Readonly<Record<TemplateRoot, Shape>> = {
  event: {
    ...parts('key type connection vendor ticket_id occurred_at observed_at late replay via feed own'),
    unknown: 'any',
    aspects: 'any',
    actor: PERSON,
    ticket: TICKET,
    comment: COMMENT,
    trigger: TRIGGER,
    changes: CHANGES,
    body: 'any',
  },
  ticket: TICKET,
  comment: COMMENT,
  trigger: TRIGGER,
  changes: CHANGES,
  body: 'any',
  rule: parts('id name mode order'),
  run: parts('id'),
  oncall: 'any',
  connection: parts('name vendor'),
};

/** What Liquid itself offers on lists and texts. */
const BUILT_IN = ['size', 'first', 'last'];

/** What is wrong with a name in a text; null if nothing. */
export function checkVariable(path: readonly string[]): string | null {
  let shape: Shape = ROOTS;
  for (const [index, part] of path.entries()) {
    if (shape === 'any') return null;
    const known: Shape | undefined = shape !== 'text' && Object.hasOwn(shape, part) ? shape[part] : undefined;
    if (known !== undefined) {
      shape = known;
      continue;
    }
    // `changes["custom.tier"]` is one key.
    if (index > 0 && (BUILT_IN.includes(part) || (shape === CHANGES && /^(custom|sla)\./.test(part))))
      return null;
    const names: readonly string[] = shape === 'text' ? [] : Object.keys(shape);
    const where = index === 0 ? 'Texts know' : `"${path.slice(0, index).join('.')}" has`;
    const list = names.length === 0 ? 'no parts' : names.length > 12 ? 'other names' : names.join(', ');
    return `Unknown name "${path.slice(0, index + 1).join('.')}". ${where} ${list}.${didYouMean(part, names)}`;
  }
  return null;
}
