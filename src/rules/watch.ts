import { RuleError, formatProblem, messageOf } from '../errors.ts';
import type { Log } from '../log.ts';
import type { KnownNames } from '../match/load.ts';
import type { Database } from '../record/database.ts';
import type { ActiveRules } from './active.ts';
import { readRuleFolder } from './folder.ts';
import { publishRules, type PublishWhen } from './publish.ts';

export interface WatchDeps {
  readonly database: Database;
  readonly active: ActiveRules;
  readonly log: Log;
  readonly known: KnownNames;
  readonly folder: string;
  readonly instance: string;
}

export interface RuleWatch {
  /** Publishes the folder if it changed and the last call saw it so too, and follows the active set. */
  runOnce(): Promise<void>;
}

/**
 * Follows the rules folder. A bad set is refused whole, said once per content, and the last good one stays.
 *
 * @param first what the first look at the folder may do; later looks publish every change
 */
export function watchRules(deps: WatchDeps, first: PublishWhen): RuleWatch {
  let seen: string | null = null;
  /** What the last look saw: whoever saves a file empties it first, and that is no wish to switch its rules off. */
  let last: string | null = null;
  return {
    async runOnce() {
      const folder = await readRuleFolder(deps.folder).catch((error: unknown) => {
        if (seen !== 'unreadable')
          deps.log.error({ folder: deps.folder, reason: messageOf(error) }, 'rules not read');
        seen = 'unreadable';
        return null;
      });
      const settled = seen === null || folder?.fingerprint === last;
      last = folder?.fingerprint ?? null;
      if (folder !== null && folder.fingerprint !== seen && settled) {
        const when = seen === null ? first : 'changed';
        if (folder.files.length === 0 && (await deps.active.refresh()).setId !== null) warnAboutEmpty(deps);
        else await publish(deps, folder.files, when);
        // Remembered only now: if the database was away, the next look tries again.
        seen = folder.fingerprint;
      }
      await deps.active.refresh();
    },
  };
}

/** A folder that was not mounted looks empty: nobody wants every rule off because of that. */
function warnAboutEmpty({ log, folder }: WatchDeps): void {
  log.error(
    { folder },
    'the rules folder is empty: the active rules stay. `deskhand rules publish` publishes an empty set, `mode: off` stops a rule',
  );
}

async function publish(
  deps: WatchDeps,
  files: Awaited<ReturnType<typeof readRuleFolder>>['files'],
  when: PublishWhen,
): Promise<void> {
  try {
    const published = await publishRules(deps.database, files, deps.known, { when, by: deps.instance });
    for (const warning of published.warnings)
      deps.log.warn({ place: formatProblem(warning) }, 'rule warning');
    if (published.outcome === 'older') {
      deps.log.warn(
        { folder: deps.folder },
        'the rules folder was published before and another set is active now: `deskhand rules publish` switches to it',
      );
    } else {
      deps.log.info(
        { rules: published.rules.length, set: published.ruleSetId },
        `rules ${published.outcome}`,
      );
    }
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    for (const problem of error.problems) deps.log.error({ place: formatProblem(problem) }, 'rule refused');
    deps.log.error({ problems: error.problems.length }, 'rule set refused: the last good set stays active');
  }
}
