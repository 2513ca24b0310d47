import { createHmac } from 'node:crypto';
import type { ActionParams } from '../../match/rule.ts';
import { createRedact, excerpt, type Redact } from '../../vendors/http/redact.ts';
import type { Outgoing } from '../outgoing.ts';
import { afterFailure, judgeError } from '../failure.ts';
import { ActionError, decided, LEASE_LOST, type Resolution, type StepTask } from '../task.ts';

export interface HttpPostDeps {
  readonly outgoing: Outgoing;
  /** Values of `${NAME}` in headers and secret; resolved only now, never stored. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly crashPoint: (point: 'before_send' | 'after_send') => void;
}

/** Answers after which the same call may succeed (RFC 9110; 425 is Too Early). */
const TRY_AGAIN = new Set([408, 409, 425]);

/**
 * Posts the event, or the rule's own JSON. It carries `webhook-id: <step id>`, the same on every try: the receiver
 * tells repeats by it, so an unknown outcome is simply sent again. With `resend: never` it is not, and a person
 * decides.
 */
export async function httpPost(
  task: StepTask,
  params: ActionParams['http.post'],
  deps: HttpPostDeps,
): Promise<Resolution | typeof LEASE_LOST> {
  const once = params.resend === 'never';
  if (task.claimed.state === 'sending' && once) {
    return decided('uncertain', 'the outcome of the call is unknown, and the rule says resend: never');
  }
  try {
    const url = task.renderer.text(params.url, 'url');
    const body = JSON.stringify(bodyOf(task, params));
    const headers = headersOf(task, params, body, deps.environment);
    let { signal } = task;
    if (once) {
      const sending = await task.intend({ write: null, before: [], parts: task.claimed.parts });
      if (sending === null) return LEASE_LOST;
      signal = sending.signal;
    }
    deps.crashPoint('before_send');
    const answer = await deps.outgoing.post(url, { headers, body, signal });
    deps.crashPoint('after_send');
    checkStatus(answer.status, excerpt(answer.body, redactOf(params, deps)), answer.retryAfterMs, task);
    return decided('done', null, {
      result: { status: answer.status },
      attempt: { state: 'succeeded', reason: null },
      progress: { wrote: true },
    });
  } catch (error) {
    const judged = judgeError(error);
    if (once && !judged.notApplied) {
      return decided('uncertain', judged.message, { attempt: { state: 'unknown', reason: judged.message } });
    }
    return afterFailure(task, judged);
  }
}

function bodyOf(task: StepTask, params: ActionParams['http.post']): unknown {
  return params.json === undefined ? { ...task.event, rule: task.rule.id } : task.renderer.json(params.json);
}

function headersOf(
  task: StepTask,
  params: ActionParams['http.post'],
  body: string,
  environment: HttpPostDeps['environment'],
): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': 'application/json' };
  for (const [name, value] of Object.entries(params.headers)) {
    headers[name.toLowerCase()] = fromEnvironment(task.renderer.text(value, 'none'), environment);
  }
  headers['webhook-id'] = task.claimed.stepId;
  if (params.secret !== undefined) {
    const timestamp = String(Math.floor(task.now() / 1000));
    headers['webhook-timestamp'] = timestamp;
    const key = Buffer.from(fromEnvironment(params.secret, environment).replace(/^whsec_/, ''), 'base64');
    const signed = `${task.claimed.stepId}.${timestamp}.${body}`;
    headers['webhook-signature'] = `v1,${createHmac('sha256', key).update(signed).digest('base64')}`;
  }
  return headers;
}

const VARIABLE = /\$\{([A-Za-z_][A-Za-z0-9_]*)\}/g;

/** A receiver may repeat what it was sent: not into our record. */
function redactOf(params: ActionParams['http.post'], { environment }: HttpPostDeps): Redact {
  const written = [...Object.values(params.headers), params.secret ?? ''].join('\n');
  return createRedact([...written.matchAll(VARIABLE)].map(([, name = '']) => environment[name] ?? ''));
}

function fromEnvironment(text: string, environment: HttpPostDeps['environment']): string {
  return text.replace(VARIABLE, (_, name: string) => {
    const value = environment[name];
    if (value === undefined || value === '') {
      throw new ActionError(`the environment variable ${name} is not set`, {
        reason: 'refused',
        notApplied: true,
      });
    }
    return value;
  });
}

function checkStatus(status: number, body: string, retryAfterMs: number | null, task: StepTask): void {
  if (status >= 200 && status < 300) return;
  const said = `${status} ${body}`.trim();
  if (status === 429) {
    const retryAt = retryAfterMs === null ? null : task.now() + retryAfterMs;
    throw new ActionError(`the receiver answered ${said}`, {
      reason: 'rate_limited',
      notApplied: true,
      retryAt,
    });
  }
  if (status >= 500)
    throw new ActionError(`the receiver answered ${said}`, { reason: 'vendor_fault', notApplied: false });
  if (TRY_AGAIN.has(status)) {
    throw new ActionError(`the receiver answered ${said}`, { reason: 'vendor_fault', notApplied: true });
  }
  throw new ActionError(`the receiver answered ${said}`, { reason: 'refused', notApplied: true });
}
