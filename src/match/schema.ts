import { ACTIONS, type ActionSpec, type ParamSpec } from './actions.ts';
import { EVENT_TYPES } from '../event.ts';
import { EVENT_TYPE_PATTERN, FIELDS, type FieldKind, fieldOf, fieldNames } from './fields.ts';
import { DEFAULT_ON, MODES, RULE_ID_PATTERN } from './load.ts';
import { OPERATORS, type OperandKind, type OperatorSpec } from './operators.ts';
import { type JsonSchema, spanSchema } from './params.ts';
import { ACTION_NAMES, type ActionName } from './rule.ts';

/**
 * The JSON schema of a rule file for editors, generated from the same tables that the loader follows. It completes
 * and checks shapes; what needs more than a shape (templates, patterns, names) only the loader tells.
 */

/** Builds the schema that stands in `schema/rule.schema.json`. */
export function ruleSchema(): JsonSchema {
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'Deskhand rule',
    type: 'object',
    properties: {
      id: { type: 'string', pattern: RULE_ID_PATTERN, description: 'Unique in the rules folder.' },
      name: { type: 'string', maxLength: 200, description: 'One line for people; default: the id.' },
      on: {
        anyOf: [ref('eventType'), { type: 'array', items: ref('eventType'), minItems: 1 }],
        description: `Event types; default: ${DEFAULT_ON.join(', ')}.`,
      },
      schedule: { type: 'string', description: 'Cron expression of five fields, instead of "on".' },
      time_zone: { type: 'string', description: 'Of the schedule; default: UTC.' },
      when: { ...ref('conditions'), description: 'All must hold.' },
      while: {
        ...ref('conditions'),
        description: 'Checked on the fresh ticket before every step after the first wait.',
      },
      // oxlint-disable-next-line unicorn/no-thenable -- it is the word of the rule language
      then: ref('steps'),
      limit: {
        type: 'object',
        properties: { per_ticket: ref('rate'), per_rule: ref('rate') },
        additionalProperties: false,
        minProperties: 1,
        description: 'Runs per duration, e.g. 1/1h; per_ticket is 5/1h by default.',
      },
      order: { type: 'number', description: 'Rules run in ascending order, then by id; default: 100.' },
      stop: { type: 'boolean', description: 'Later rules do not see an event that this one matched.' },
      mode: { enum: MODES, description: 'live, shadow (records what it would do) or off; default: live.' },
      own: { type: 'boolean', description: 'Also match changes that Deskhand itself made.' },
      late: { type: 'boolean', description: 'Also take customer-visible steps on late events.' },
      tests: { type: 'array', items: ref('test'), minItems: 1 },
    },
    required: ['id', 'then'],
    additionalProperties: false,
    $defs: {
      eventType: { anyOf: [{ enum: EVENT_TYPES }, { type: 'string', pattern: EVENT_TYPE_PATTERN }] },
      rate: { type: 'string', pattern: '^[0-9]{1,6}/\\S+$' },
      conditions: conditionsSchema(),
      ...fieldSchemas(),
      change: changeSchema(),
      steps: { type: 'array', items: ref('step'), minItems: 1 },
      step: stepSchema(),
      ...Object.fromEntries(ACTION_NAMES.map((name) => [`action.${name}`, actionSchema(name)])),
      test: testSchema(),
    },
  };
}

function ref(name: string): JsonSchema {
  return { $ref: `#/$defs/${name}` };
}

const KINDS: readonly FieldKind[] = [
  'text',
  'id',
  'word',
  'named',
  'person',
  'priority',
  'list',
  'time',
  'boolean',
  'any',
];

function conditionsSchema(): JsonSchema {
  const group = { type: 'array', items: ref('conditions'), minItems: 1 };
  const fields = fieldNames().map((name) => [name, fieldSchema(name)]);
  return {
    type: 'object',
    properties: { all: group, any: group, none: group, ...(Object.fromEntries(fields) as JsonSchema) },
    patternProperties: { '^(custom|body|raw)\\..+$': ref('field.any') },
    additionalProperties: false,
  };
}

function fieldSchema(name: string): JsonSchema {
  const words = FIELDS[name]?.words ?? fieldOf(name)?.words ?? null;
  const base = ref(`field.${fieldOf(name)?.kind ?? 'any'}`);
  return words === null ? base : { anyOf: [{ enum: words }, base] };
}

/** What may stand at a field of each kind: a value, a list, or a map of the operators that work there. */
function fieldSchemas(): JsonSchema {
  return Object.fromEntries(
    KINDS.map((kind) => [`field.${kind}`, { anyOf: [...valueSchemas(kind), operatorsSchema(kind)] }]),
  );
}

function valueSchemas(kind: FieldKind): readonly JsonSchema[] {
  const value = scalarSchema(kind);
  return [value, { type: 'array', items: value, minItems: 1 }];
}

function scalarSchema(kind: FieldKind): JsonSchema {
  if (kind === 'boolean') return { type: 'boolean' };
  if (kind === 'any') return { type: ['string', 'number', 'boolean'] };
  return kind === 'id' || kind === 'named' || kind === 'person'
    ? { type: ['string', 'number'] }
    : { type: 'string' };
}

function operatorsSchema(kind: FieldKind): JsonSchema {
  const operators: readonly (readonly [string, OperatorSpec])[] = Object.entries(OPERATORS);
  const fitting = operators.filter(([, spec]) => spec.on === undefined || spec.on.includes(kind));
  return {
    type: 'object',
    properties: Object.fromEntries(
      fitting.map(([name, spec]) => [name, { ...operandSchema(spec.operand, kind), description: spec.doc }]),
    ),
    additionalProperties: false,
    minProperties: 1,
  };
}

function operandSchema(operand: OperandKind, kind: FieldKind): JsonSchema {
  const text = { type: 'string', minLength: 1 };
  const texts = { anyOf: [text, { type: 'array', items: text, minItems: 1 }] };
  const bound = kind === 'any' ? { type: ['number', 'string'] } : { type: 'string' };
  switch (operand) {
    case 'values':
      return { anyOf: valueSchemas(kind) };
    case 'list':
      return { type: 'array', items: scalarSchema(kind), minItems: 1 };
    case 'texts':
    case 'patterns':
    case 'nets':
      return texts;
    case 'text list':
      return { type: 'array', items: text, minItems: 1 };
    case 'bound':
      return bound;
    case 'two bounds':
      return { type: 'array', items: bound, minItems: 2, maxItems: 2 };
    case 'list name':
      return text;
    case 'boolean':
      return { type: 'boolean' };
    case 'true':
      return { const: true };
    case 'change':
      return ref('change');
    case 'span':
      return spanSchema;
  }
}

function changeSchema(): JsonSchema {
  const side = {
    anyOf: [
      ...valueSchemas('any'),
      {
        type: 'object',
        properties: { empty: { type: 'boolean' }, present: { type: 'boolean' } },
        minProperties: 1,
        maxProperties: 1,
      },
    ],
  };
  const by = { enum: ['agent', 'requester', 'self', 'unknown'] };
  return {
    anyOf: [
      { const: true },
      {
        type: 'object',
        properties: { from: side, to: side, by: { anyOf: [by, { type: 'array', items: by, minItems: 1 }] } },
        additionalProperties: false,
        minProperties: 1,
      },
    ],
  };
}

function stepSchema(): JsonSchema {
  const bare = ACTION_NAMES.filter((name) => ACTIONS[name].bare === 'nothing');
  return {
    anyOf: [
      {
        type: 'object',
        properties: {
          required: { type: 'boolean', description: 'After a failure of this step the run ends.' },
          ...(Object.fromEntries(ACTION_NAMES.map((name) => [name, ref(`action.${name}`)])) as JsonSchema),
        },
        additionalProperties: false,
        minProperties: 1,
        maxProperties: 2,
      },
      { enum: bare },
    ],
  };
}

function actionSchema(name: ActionName): JsonSchema {
  const spec: ActionSpec = ACTIONS[name];
  const properties = Object.fromEntries(
    Object.entries(spec.params).map(([key, param]) => [
      key,
      { ...paramSchema(param), description: param.doc },
    ]),
  );
  const required = Object.entries(spec.params)
    .filter(([, param]) => param.required === true)
    .map(([key]) => key);
  const map: JsonSchema = {
    type: 'object',
    properties,
    additionalProperties: false,
    ...(required.length > 0 ? { required } : {}),
  };
  const { bare } = spec;
  if (bare === 'nothing') return { description: spec.doc, anyOf: [{ type: 'null' }, map] };
  if (bare === undefined) return { description: spec.doc, ...map };
  if ('words' in bare) return { description: spec.doc, anyOf: [{ enum: bare.words }, map] };
  const param = spec.params[bare.param];
  return { description: spec.doc, ...(param === undefined ? {} : paramSchema(param)) };
}

function paramSchema({ type }: ParamSpec): JsonSchema {
  if (type === 'steps') return ref('steps');
  if (type === 'answers')
    return { type: 'object', additionalProperties: ref('steps'), minProperties: 1, maxProperties: 5 };
  return type.schema;
}

function testSchema(): JsonSchema {
  const actions = { type: 'array', items: { enum: ACTION_NAMES } };
  return {
    type: 'object',
    properties: {
      name: { type: 'string' },
      event: { type: 'object', description: 'An event; bare names stand for named things and persons.' },
      expect: {
        anyOf: [
          { const: 'none' },
          { ...actions, minItems: 1, description: 'Actions up to the first wait.' },
          {
            type: 'object',
            properties: {
              matched: { type: 'boolean' },
              actions,
              rendered: {
                type: 'array',
                items: { type: 'string' },
                description: 'The texts of these actions.',
              },
            },
            additionalProperties: false,
            minProperties: 1,
          },
        ],
      },
    },
    required: ['event', 'expect'],
    additionalProperties: false,
  };
}

/** The schema as it stands in the file. */
export function ruleSchemaText(): string {
  return `${JSON.stringify(ruleSchema(), null, 2)}\n`;
}
