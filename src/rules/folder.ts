import { createHash } from 'node:crypto';
import { readdir, readFile, realpath, stat } from 'node:fs/promises';
import { join, relative, sep } from 'node:path';
import type { RuleFile } from '../match/load.ts';

/** Everything in a rules folder, and one fingerprint that changes with any of it. */
export interface RuleFolder {
  readonly files: readonly RuleFile[];
  readonly fingerprint: string;
}

/** More than any rule file needs; the loader refuses it with a message. */
const MAX_FILE_BYTES = 1024 * 1024;

/**
 * Reads all `.yaml` and `.yml` files of a folder and its sub-folders. A link that leads outside is left out.
 *
 * @throws Error when the folder cannot be read, naming it
 */
export async function readRuleFolder(folder: string): Promise<RuleFolder> {
  const root = await realpath(folder).catch((cause: unknown) => {
    throw new Error(`cannot read the rules folder ${folder}: set DESKHAND_RULES or create it`, { cause });
  });
  const entries = await readdir(root, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => !entry.isDirectory() && /\.ya?ml$/.test(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort();
  const files: RuleFile[] = [];
  for (const path of paths) {
    const file = await readInside(root, path);
    if (file !== null) files.push({ file: join(folder, relative(root, path)), text: file });
  }
  const hash = createHash('sha256');
  for (const { file, text } of files) hash.update(`${file}\n${text.length}\n${text}`);
  return { files, fingerprint: hash.digest('hex') };
}

async function readInside(root: string, path: string): Promise<string | null> {
  const real = await realpath(path).catch(() => null);
  if (real === null || !real.startsWith(root + sep)) return null;
  const info = await stat(real);
  if (!info.isFile()) return null;
  const text = await readFile(real, 'utf8');
  return text.slice(0, MAX_FILE_BYTES);
}
