import { z, type OpenAPIHono } from '@hono/zod-openapi';
import { formatProblem } from '../../errors.ts';
import { loadRules } from '../../match/load.ts';
import { backtest } from '../../operate/backtest.ts';
import { OperateError } from '../../operate/error.ts';
import { parseSince } from '../../operate/since.ts';
import type { ApiDeps } from './api.ts';
import { describe, requiredBody } from './route.ts';
import { backtestSchema } from './schemas.ts';

/** `POST /backtest`: what draft rules would have done with stored events. */
export function backtestRoute(app: OpenAPIHono, deps: ApiDeps): void {
  const body = z.strictObject({
    rules: z.string().min(1).openapi({ description: 'Rules as YAML.' }),
    since: z.string().min(1).default('30d').openapi({ description: 'A time, or a duration such as 30d.' }),
  });
  app.openapi(
    describe(
      'post',
      '/backtest',
      'What draft rules would have done with stored events',
      { body: requiredBody(body) },
      backtestSchema,
    ),
    async (c) => {
      const { rules, since } = c.req.valid('json');
      const loaded = loadRules([{ file: 'rules', text: rules }], deps.known);
      const errors = loaded.problems.filter(({ severity }) => severity === 'error');
      if (errors.length > 0) throw new OperateError('bad_request', errors.map(formatProblem).join('\n'));
      if (loaded.rules.length === 0) throw new OperateError('bad_request', 'rules: there is no rule');
      const { matcher } = await deps.store.active.refresh();
      const until = deps.store.now();
      const report = await backtest(
        {
          drafts: loaded.rules,
          active: matcher.rules,
          from: parseSince(since, until),
          until: new Date(until + 1),
        },
        { database: deps.database, settings: deps.settings, monotonic: () => performance.now() },
      );
      return c.json(report, 200);
    },
  );
}
