/** The embedded database cannot be used; the message says why and what to do. */
export class EmbeddedError extends Error {
  override readonly name = 'EmbeddedError';
}

/** Another `serve` or `demo` owns the data folder. */
export class DataInUseError extends EmbeddedError {
  /** Process id of the owner; null where it could not be told. */
  readonly ownerPid: number | null;

  constructor(message: string, ownerPid: number | null) {
    super(message);
    this.ownerPid = ownerPid;
  }
}
