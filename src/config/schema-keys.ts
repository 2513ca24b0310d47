import type { z } from 'zod';
import type { Path } from './expand.ts';

/** The keys that a schema takes at a path below it; none where any key is taken. */
export function keysAt(schema: z.core.$ZodType, path: Path): string[] {
  let schemas = unwrap(schema);
  for (const part of path) schemas = schemas.flatMap((each) => childOf(each, part));
  return [...new Set(schemas.flatMap(({ _zod: { def } }) => (isObject(def) ? Object.keys(def.shape) : [])))];
}

type Definition = z.core.$ZodTypeDef;
const isObject = (def: Definition): def is z.core.$ZodObjectDef => def.type === 'object';

function childOf({ _zod: { def } }: z.core.$ZodType, part: string | number): z.core.$ZodType[] {
  if (isObject(def)) {
    const child = Object.hasOwn(def.shape, part) ? def.shape[part] : undefined;
    return child === undefined ? [] : unwrap(child);
  }
  if (def.type === 'record') return unwrap((def as z.core.$ZodRecordDef).valueType);
  if (def.type === 'array') return unwrap((def as z.core.$ZodArrayDef).element);
  return [];
}

/** Looks through optional, default, transform and union at the schemas that say what may be written. */
function unwrap(schema: z.core.$ZodType): z.core.$ZodType[] {
  const { def } = schema._zod;
  switch (def.type) {
    case 'optional':
    case 'nullable':
    case 'default':
    case 'prefault':
    case 'readonly':
      return unwrap((def as z.core.$ZodOptionalDef).innerType);
    case 'pipe':
      return unwrap((def as z.core.$ZodPipeDef).in);
    case 'union':
      return (def as z.core.$ZodUnionDef).options.flatMap(unwrap);
    default:
      return [schema];
  }
}
