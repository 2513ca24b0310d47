import { z } from 'zod';

/**
 * Values as desks send them, parsed leniently: what is missing or of another type is null (or false), so that one odd
 * field never costs a whole ticket. Only an id has to be there.
 */

/** Numbers or numeric text; long ones arrive as text. Compared as text everywhere. */
export const id = z.union([z.int(), z.string().min(1)]).transform(String);
export const text = z
  .string()
  .nullish()
  .transform((value) => value ?? null)
  .catch(null);
export const flag = z
  .boolean()
  .nullish()
  .transform((value) => value ?? false)
  .catch(false);
export const number = z
  .number()
  .nullish()
  .transform((value) => value ?? null)
  .catch(null);
/** For the date parser, which takes whatever it is. */
export const date = z
  .union([z.string(), z.number()])
  .nullish()
  .transform((value) => value ?? null)
  .catch(null);
