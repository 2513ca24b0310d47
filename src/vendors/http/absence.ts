/** Notices a desk that answers nobody. Pure. */

/** So many calls in a row without an answer are no hiccup. */
const CALLS_IN_A_ROW = 3;

export class AbsenceDetector {
  #missed = 0;
  #answeredAt = Number.NEGATIVE_INFINITY;

  /** @param at when the answer came, ms on the clock that calls are begun by */
  answered(at: number): void {
    this.#missed = 0;
    this.#answeredAt = at;
  }

  /**
   * Notes a call that got no answer from the desk itself.
   *
   * @param begunAt ms; a call begun before the last answer says nothing of now: its own ticket may be what hangs
   * @returns true while the desk is away
   */
  missed(begunAt: number): boolean {
    if (begunAt < this.#answeredAt) return false;
    this.#missed += 1;
    return this.#missed >= CALLS_IN_A_ROW;
  }
}
