import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { messageOf } from '../../errors.ts';
import { DataInUseError, EmbeddedError } from './embedded-error.ts';
import { type Entrance, type Entered, enter, leave } from './enter.ts';

/** How often, once a second, a dead server is started again before its owner gives up. */
const TRIES = 60;

/** Brings the server and its ownership back when either is lost, at the same address. */
export class Keeper {
  readonly #entrance: Entrance;
  readonly #port: number;
  readonly #onLost: (error: Error) => void;
  #session: pg.Client;
  #ending = false;
  #recovering: Promise<void> = Promise.resolve();

  /** @param onLost called at most once, when it gives up */
  constructor(entrance: Entrance, entered: Entered, onLost: (error: Error) => void) {
    this.#entrance = entrance;
    this.#port = entered.port;
    this.#onLost = onLost;
    this.#session = entered.session;
    this.#watch();
  }

  /** Gives the ownership up, and stops the server unless another command is at work in it. */
  async end(): Promise<void> {
    this.#ending = true;
    await this.#recovering;
    await leave(this.#entrance, this.#session);
  }

  #watch(): void {
    this.#session.once('end', () => {
      if (!this.#ending) this.#recovering = this.#recover();
    });
  }

  async #recover(): Promise<void> {
    const { log, place } = this.#entrance;
    log.warn({ folder: place.cluster }, 'embedded database broke off; bringing it back');
    for (let attempt = 1; !this.#ending; attempt += 1) {
      try {
        await this.#enterAgain();
        log.info({ port: this.#port, attempt }, 'embedded database is back');
        return;
      } catch (error) {
        if (error instanceof DataInUseError || attempt === TRIES) {
          this.#onLost(error as Error);
          return;
        }
        log.error({ error: messageOf(error), attempt }, 'embedded database does not come back yet');
        await sleep(1000);
      }
    }
  }

  async #enterAgain(): Promise<void> {
    const { session, port } = await enter(this.#entrance);
    if (port !== this.#port) {
      // The pool only knows the old address; the next try may get it.
      await session.end();
      throw new EmbeddedError(`port ${this.#port} is taken by another program`);
    }
    this.#session = session;
    this.#watch();
  }
}
