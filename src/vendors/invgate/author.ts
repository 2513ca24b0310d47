import type { CallContext, VendorIo } from '../vendor.ts';
import { Cached } from '../cached.ts';
import type { InvgatePeople } from './people.ts';
import type { InvgateSettings } from './settings.ts';

/** The user Deskhand writes as; the desk wants its id with nearly every write. */
export class Author {
  readonly #id: Cached<string, CallContext>;

  constructor(settings: InvgateSettings, people: InvgatePeople, io: VendorIo) {
    this.#id = new Cached(async (context) => (await people.find(settings.author, context)).id, io.clock);
  }

  /** @throws VendorError `refused` when the desk knows no such user */
  id(context: CallContext): Promise<string> {
    return this.#id.get(context, DAY_MS);
  }
}

const DAY_MS = 86_400_000;
