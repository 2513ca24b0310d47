import { createRoute, type RouteConfig, type z } from '@hono/zod-openapi';
import { errorSchema } from './schemas.ts';

/** How the API's routes are written down: what is asked, what is answered, and one shape for every error. */

const content = (schema: z.ZodType, description: string): Json => ({
  description,
  content: { 'application/json': { schema } },
});

interface Json {
  readonly description: string;
  readonly content: { readonly 'application/json': { readonly schema: z.ZodType } };
}

const REFUSALS = {
  400: content(errorSchema, 'The request cannot be read.'),
  401: content(errorSchema, 'The admin token is missing or wrong.'),
  404: content(errorSchema, 'There is no such thing.'),
  409: content(errorSchema, 'It is not in a state for that.'),
  429: content(errorSchema, 'Too many wrong tokens from this address; Retry-After says for how long.'),
} as const;

/** Describes one route; `R` keeps the types of what is asked for the handler. */
// oxlint-disable-next-line typescript/explicit-module-boundary-types -- the route's own type is what handlers are checked with
export function describe<
  const M extends 'get' | 'post',
  const P extends string,
  const R extends NonNullable<RouteConfig['request']>,
>(method: M, path: P, summary: string, request: R, answer: z.ZodType) {
  return createRoute({
    method,
    path,
    summary,
    request,
    responses: { 200: content(answer, 'Done.'), ...REFUSALS },
  });
}

/** A JSON body that may be left out. */
export function optionalBody<T extends z.ZodType>(
  schema: T,
): { readonly required: false; readonly content: { readonly 'application/json': { readonly schema: T } } } {
  return { required: false, content: { 'application/json': { schema } } };
}

/** A JSON body that has to be there. */
export function requiredBody<T extends z.ZodType>(
  schema: T,
): { readonly required: true; readonly content: { readonly 'application/json': { readonly schema: T } } } {
  return { required: true, content: { 'application/json': { schema } } };
}
