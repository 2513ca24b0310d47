/** What an operator asked for cannot be done; the reason is for programs, the message for people. */
export class OperateError extends Error {
  override readonly name = 'OperateError';
  readonly reason: 'not_found' | 'wrong_state' | 'held_runs' | 'bad_request';

  constructor(reason: OperateError['reason'], message: string) {
    super(message);
    this.reason = reason;
  }
}
