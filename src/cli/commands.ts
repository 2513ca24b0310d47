/** One command: a line of help, and the file that is loaded only when it is called. */
export interface Command {
  readonly name: string;
  readonly usage: string;
  readonly summary: string;
  /** `run` returns the exit code. */
  readonly load: () => Promise<{ run(args: readonly string[]): Promise<number> }>;
}

export const COMMANDS: readonly Command[] = [
  {
    name: 'serve',
    usage: 'serve',
    summary: 'watch the configured desks and act',
    load: () => import('./serve.ts'),
  },
  {
    name: 'demo',
    usage: 'demo [--for 20s]',
    summary: 'everything at once on simulated desks: no credentials, no other service',
    load: () => import('./demo.ts'),
  },
  {
    name: 'migrate',
    usage: 'migrate',
    summary: 'bring the database to this version’s schema',
    load: () => import('./migrate.ts'),
  },
  {
    name: 'check',
    usage: 'check [--rules DIR] [--json]',
    summary: 'check configuration and rules; exit 1 on any error of a rule',
    load: () => import('./check.ts'),
  },
  {
    name: 'test',
    usage: 'test [--rules DIR] [--json]',
    summary: 'run the tests that stand in the rules',
    load: () => import('./test.ts'),
  },
  {
    name: 'match',
    usage: 'match --rules DIR --events FILE.ndjson [--at TIME] [--json]',
    summary: 'which rules match which events',
    load: () => import('./match.ts'),
  },
  {
    name: 'explain',
    usage: 'explain --rule ID --event FILE [--rules DIR] [--at TIME] [--json]',
    summary: 'why a rule does or does not match an event',
    load: () => import('./explain.ts'),
  },
  {
    name: 'rules',
    usage: 'rules publish|list|diff',
    summary: 'publish the rules folder, show what is active, compare both',
    load: () => import('./rules.ts'),
  },
];
