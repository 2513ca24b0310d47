import { existsSync } from 'node:fs';
import { loadConfig, loadEnvironment, type Config } from '../config.ts';
import { ConfigError, formatProblem, type Problem } from '../errors.ts';
import { loadRules, NOTHING_KNOWN, type LoadedRules } from '../match/load.ts';
import { NO_SETTINGS, type MatchSettings } from '../match/matcher.ts';
import type { Rule } from '../match/rule.ts';
import { readRuleFolder } from '../rules/folder.ts';
import { vendors } from '../vendors/registry.ts';
import { usageError } from './arguments.ts';
import { knownNamesOf, matchSettingsOf } from './setup.ts';

/** Rules and what they may refer to, without a database. Without a configuration, what needs one is skipped. */
export interface Offline {
  readonly config: Config | null;
  readonly loaded: LoadedRules;
  readonly settings: MatchSettings;
  readonly folder: string;
}

/** @throws ConfigError when the configuration is there but wrong, or the folder cannot be read */
export async function loadOffline(rulesOption: string | undefined): Promise<Offline> {
  const environment = loadEnvironment(process.env);
  const folder = rulesOption ?? environment.rulesDir;
  const config = existsSync(environment.configPath)
    ? loadConfig({ path: environment.configPath, env: process.env, vendors })
    : null;
  const read = await readRuleFolder(folder).catch((error: unknown) => {
    throw usageError(error instanceof Error ? error.message : String(error));
  });
  const known = config === null ? NOTHING_KNOWN : knownNamesOf(config, process.env);
  return {
    config,
    loaded: loadRules(read.files, known),
    settings: config === null ? NO_SETTINGS : matchSettingsOf(config),
    folder,
  };
}

/** Rules of a set without errors. @throws ConfigError with every mistake: exit 2 */
export function usableRules(offline: Offline): readonly Rule[] {
  const errors = offline.loaded.problems.filter((problem) => problem.severity === 'error');
  if (errors.length > 0) throw new ConfigError(errors);
  return offline.loaded.rules;
}

/** Warnings go to stderr, so that stdout stays what other programs read. */
export function printWarnings(problems: readonly Problem[]): void {
  for (const problem of problems) if (problem.severity === 'warning') console.error(formatProblem(problem));
}

/** `--at`, as epoch ms. @throws ConfigError for what is no time */
export function readAt(text: string | undefined): number | null {
  if (text === undefined) return null;
  const at = Date.parse(text);
  if (Number.isNaN(at)) throw usageError(`--at ${text}: expected a time such as 2026-11-22T07:00:00Z`);
  return at;
}
