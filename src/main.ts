#!/usr/bin/env node
import { COMMANDS } from './cli/commands.ts';
import { ConfigError, formatProblem, messageOf } from './errors.ts';

/** Exit codes: 0 all well, 1 findings, 2 usage or configuration. */
async function main(argv: readonly string[]): Promise<number> {
  const [name = 'help', ...rest] = argv;
  const command = COMMANDS.find((candidate) => candidate.name === name);
  if (command === undefined) {
    const help = name === 'help' || name === '--help' || name === '-h';
    if (!help) console.error(`deskhand: there is no command "${name}"\n`);
    (help ? console.log : console.error)(usage());
    return help ? 0 : 2;
  }
  try {
    const loaded = await command.load();
    return await loaded.run(rest);
  } catch (error) {
    if (error instanceof ConfigError) {
      for (const problem of error.problems) console.error(formatProblem(problem));
    } else {
      console.error(`deskhand ${name}: ${messageOf(error)}`);
      if (process.env['LOG_LEVEL'] === 'debug') console.error(error);
    }
    return 2;
  }
}

function usage(): string {
  const width = Math.max(...COMMANDS.map((command) => command.usage.length));
  const lines = COMMANDS.map((command) => `  ${command.usage.padEnd(width)}  ${command.summary}`);
  return ['Usage: deskhand COMMAND', '', ...lines].join('\n');
}

process.exitCode = await main(process.argv.slice(2));
