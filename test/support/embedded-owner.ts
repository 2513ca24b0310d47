import { openEmbedded } from '../../src/record/embedded/embedded.ts';

/** A process that owns the database of a folder until it is killed: `node --import tsx embedded-owner.ts FOLDER`. */
const say = (fields: object, message: string): void => console.error(message, fields);
const quiet = (): void => undefined;
const embedded = await openEmbedded({
  dataDir: process.argv[2] ?? '',
  ...(process.argv[3] === undefined ? {} : { sharedState: process.argv[3] }),
  log: { debug: quiet, info: quiet, warn: say, error: say },
  command: 'serve',
  onLost: (error) => {
    throw error;
  },
});
console.log(embedded.url);
setInterval(() => undefined, 60_000);
