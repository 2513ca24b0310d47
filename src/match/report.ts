import type { Problem } from '../errors.ts';

/** Where in a document something stands. */
export type Path = readonly (string | number)[];

/** Takes mistakes with their path; the loader adds file, line and column. */
export interface Report {
  error(path: Path, message: string, what?: 'key' | 'value'): void;
  warning(path: Path, message: string, what?: 'key' | 'value'): void;
}

/** For maps that were checked when they were loaded: a mistake now is a bug, and is thrown. */
export const TRUSTED: Report = {
  error(path, message) {
    throw new TypeError(`${path.join('.')}: ${message}`);
  },
  warning: () => undefined,
};

/** `then.0.reassign.agent`; keys with dots keep them. */
export function pathText(path: Path): string {
  return path.join('.');
}

/** A YAML document's side of a report. */
export interface Placing {
  readonly file: string;
  at(path: Path, what?: 'key' | 'value'): { readonly line: number; readonly column: number };
}

/** A report that collects problems with their places. */
export function placedReport(document: Placing, problems: Problem[]): Report {
  const add = (severity: Problem['severity'], path: Path, message: string, what: 'key' | 'value'): void => {
    const { line, column } = document.at(path, what);
    problems.push({ file: document.file, line, column, path: pathText(path), message, severity });
  };
  return {
    error: (path, message, what = 'value') => {
      add('error', path, message, what);
    },
    warning: (path, message, what = 'value') => {
      add('warning', path, message, what);
    },
  };
}
