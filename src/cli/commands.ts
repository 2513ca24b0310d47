import { keepHeapSmall } from './heap.ts';

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
    usage: 'serve [--hold]',
    summary: 'watch the configured desks and act',
    load: () => {
      keepHeapSmall();
      return import('./serve.ts');
    },
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
    usage: 'check [--rules DIR] [--online] [--json]',
    summary: 'check configuration and rules, with --online the desks; exit 1 on any error',
    load: () => import('./check.ts'),
  },
  {
    name: 'test',
    usage: 'test [--rules DIR] [--at TIME] [--json]',
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
    usage: 'rules publish [--fire-past] | list | diff',
    summary: 'publish the rules folder, show what is active, compare both',
    load: () => import('./rules.ts'),
  },
  {
    name: 'backtest',
    usage: 'backtest FILE --since 30d [--json]',
    summary: 'what a draft rule would have done with stored events',
    load: () => import('./backtest.ts'),
  },
  {
    name: 'status',
    usage: 'status [--json]',
    summary: 'is all well, and what needs a person; exit 1 when something does',
    load: () => import('./status.ts'),
  },
  {
    name: 'why',
    usage: 'why CONNECTION TICKET [--json]',
    summary: 'every event of a ticket, each rule’s verdict, every step and attempt',
    load: () => import('./why.ts'),
  },
  {
    name: 'dead-letters',
    usage: 'dead-letters list|retry|skip [STEP …] [--all] [--json]',
    summary: 'steps that were given up',
    load: () => import('./dead-letters.ts'),
  },
  {
    name: 'uncertain',
    usage: 'uncertain list|resend|done [STEP …] [--all] [--json]',
    summary: 'steps that may or may not have taken effect',
    load: () => import('./uncertain.ts'),
  },
  {
    name: 'replay',
    usage: 'replay --event KEY | --since T [--json]',
    summary: 'match stored events again as new runs',
    load: () => import('./replay.ts'),
  },
  {
    name: 'pause',
    usage: 'pause rule ID | connection NAME | --all',
    summary: 'stop a rule, a connection or every action; events are still stored',
    load: () => import('./pause.ts'),
  },
  {
    name: 'resume',
    usage: 'resume rule ID [--release|--discard] | connection NAME | --all',
    summary: 'let it go on',
    load: () => import('./resume.ts'),
  },
  {
    name: 'timers',
    usage: 'timers [--limit N] [--json]',
    summary: 'what fires next: moments of rules, schedules, steps that wait',
    load: () => import('./timers.ts'),
  },
  {
    name: 'ack',
    usage: 'ack CONNECTION TICKET [--by NAME]',
    summary: 'say that somebody took a ticket; escalations that wait for that end',
    load: () => import('./ack.ts'),
  },
  {
    name: 'snooze',
    usage: 'snooze CONNECTION TICKET [--until T | --off]',
    summary: 'keep quiet about a ticket in Slack, for an hour by default',
    load: () => import('./snooze.ts'),
  },
  {
    name: 'silence',
    usage: 'silence add --until T --reason TEXT [--when COND] [--from T] | list | end ID',
    summary: 'let nobody act on something for a while',
    load: () => import('./silence.ts'),
  },
];
