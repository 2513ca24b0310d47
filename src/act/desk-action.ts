import type { Connection } from '../connections.ts';
import { readConnections } from '../record/connections.ts';
import type { Database } from '../record/database.ts';
import { boundTo } from '../record/children.ts';
import type { Intent, Part } from '../record/tables.ts';
import {
  childKind,
  type Adapter,
  type CallContext,
  type Child,
  type DeskAction,
  type Needs,
  type PlannedWrite,
  type TicketRead,
} from '../vendors/vendor.ts';
import { afterFailure, judgeError, stillUnknown } from './failure.ts';
import { MAX_ATTEMPTS } from './retry.ts';
import { decided, later, LEASE_LOST, type Parts, type Resolution, type StepTask } from './task.ts';
import { judgeAppend, judgeSets, weighAbsence, type Found } from './verify.ts';

/**
 * An action on a desk: read, plan one write, commit the intent, send, and again until nothing is left to do. A send
 * whose outcome is unknown is looked up, never blindly repeated.
 */

export interface DeskDeps {
  readonly database: Database;
  /** Told after every crash-test point; does nothing in production. */
  readonly crashPoint: (point: 'before_send' | 'after_send') => void;
}

/** More parts than any action has: ends a plan that never gets done. */
const MAX_WRITES = 40;
const MAX_CONFLICTS = 3;
const KEEPS_CHANGING = { reason: 'conflict', message: 'the desk keeps changing', retryAt: null } as const;

type PresentTicket = TicketRead & { readonly gone: false };

interface DeskTask {
  readonly task: StepTask;
  readonly connection: Connection;
  readonly adapter: Adapter;
  readonly action: DeskAction;
  readonly needs: Needs;
  readonly context: CallContext;
  readonly deps: DeskDeps;
  /** Parts known to be done; what was confirmed stays so, whatever fails after it. */
  parts: Parts;
  /** What was sent last in this try. */
  intent: Intent | null;
}

/** Performs a rendered action. Never throws for what a vendor says. */
export async function performDeskAction(
  task: StepTask,
  connection: Connection,
  action: DeskAction,
  needs: Needs,
  deps: DeskDeps,
): Promise<Resolution | typeof LEASE_LOST> {
  if (connection.adapter === null) return decided('suppressed', 'not supported');
  const { adapter } = connection;
  const desk: DeskTask = {
    task,
    connection,
    adapter,
    action,
    needs,
    context: task.calls,
    deps,
    parts: task.claimed.parts,
    intent: null,
  };
  try {
    return await runDesk(desk);
  } catch (error) {
    // Reading and planning failed: nothing was sent since the last confirmed part.
    return { ...afterFailure(task, judgeError(error)), parts: desk.parts };
  }
}

async function runDesk(desk: DeskTask): Promise<Resolution | typeof LEASE_LOST> {
  const { claimed } = desk.task;
  if (claimed.state === 'sending' && claimed.intent?.write != null) {
    const { intent } = claimed;
    desk.task.calls.begin();
    const verified = await verifySend(desk, intent, claimed.intent.write).catch((error: unknown) =>
      stillUnknown(desk.task, intent, desk.connection.settleMs, judgeError(error)),
    );
    if (verified !== 'present') return verified;
  }
  return sendAll(desk);
}

async function sendAll(desk: DeskTask): Promise<Resolution | typeof LEASE_LOST> {
  const { task, adapter, action, context } = desk;
  let conflicts = 0;
  let ticket = await readFresh(desk);
  if (ticket === 'gone') return decided('dead', 'the ticket is gone');
  for (let sent = 0; sent < MAX_WRITES; sent++) {
    const write = await adapter.nextWrite(action, ticket, new Set(Object.keys(desk.parts)), context);
    if (write === null) return finished(desk.parts, task);
    const earlier = task.claimed.intent?.write;
    if (ticket !== null && earlier?.part === write.part) {
      const found = judgeSets(earlier.sets, ticket.observed);
      if (found.answer === 'overtaken') {
        return decided('skipped', found.because, {
          parts: desk.parts,
          intent: task.claimed.intent,
          writes: 'refused',
        });
      }
    }
    const outcome = await sendOne(desk, write);
    if (outcome === 'conflict') {
      conflicts += 1;
      if (conflicts > MAX_CONFLICTS) {
        return { ...afterFailure(task, KEEPS_CHANGING), parts: desk.parts, intent: desk.intent };
      }
    } else if (outcome !== 'present') {
      return outcome;
    }
    if (write.kind !== 'append' || outcome === 'conflict') {
      ticket = await readFresh(desk);
      if (ticket === 'gone') return decided('dead', 'the ticket is gone', { parts: desk.parts });
    }
  }
  return decided('dead', `more than ${MAX_WRITES} calls for one action`, { parts: desk.parts });
}

function finished(parts: Parts, task: StepTask): Resolution {
  const names = Object.keys(parts);
  if (names.length === 0) return decided('skipped', 'already so');
  const children = Object.fromEntries(names.map((name) => [name, parts[name]?.child ?? null]));
  return decided('done', null, {
    parts,
    result: children,
    attempt: task.claimed.state === 'sending' ? null : { state: 'succeeded', reason: null },
    writes: 'answered',
    progress: { wrote: true },
  });
}

async function readFresh(desk: DeskTask): Promise<PresentTicket | null | 'gone'> {
  const { ticketId } = desk.task.claimed;
  if (desk.action.action === 'create_ticket' || desk.action.action === 'breaking_news') return null;
  if (ticketId === null) return 'gone';
  const read = await desk.adapter.readTicket(ticketId, desk.needs, desk.context);
  desk.task.calls.begin();
  return read.gone ? 'gone' : read;
}

/** Commits the intent, sends once, and finds out what became of it. */
async function sendOne(
  desk: DeskTask,
  write: PlannedWrite,
): Promise<Resolution | typeof LEASE_LOST | 'conflict' | 'present'> {
  const { task, adapter, deps, parts } = desk;
  const listed = write.append === null ? [] : await adapter.listChildren(write, desk.context);
  const before = (listed ?? []).map((child) => child.id);
  const sending = await task.intend({ write, before, parts });
  if (sending === null) return LEASE_LOST;
  desk.intent = sending.intent;
  deps.crashPoint('before_send');
  if (sending.expired()) return later('postponed', 0, 'the send deadline passed', { uncounted: true, parts });
  try {
    const result = await adapter.send(write, { lane: desk.context.lane, signal: sending.signal });
    deps.crashPoint('after_send');
    desk.parts = { ...parts, [write.part]: madeBy(desk, write, result.childId) };
    return 'present';
  } catch (error) {
    const judged = judgeError(error);
    if (judged.reason === 'conflict') return 'conflict';
    if (judged.notApplied) return { ...afterFailure(task, judged), parts, intent: sending.intent };
    const verified = await verifySend(desk, sending.intent, write).catch((cause: unknown) =>
      stillUnknown(task, sending.intent, desk.connection.settleMs, judgeError(cause), parts),
    );
    if (verified === 'present') return verified;
    return { ...verified, attempt: { state: 'unknown', reason: judged.message } };
  }
}

function madeBy(desk: DeskTask, write: PlannedWrite, child: string | null): Part {
  if (write.append === null) return { child };
  return { child, kind: childKind(write.append.children), connection: desk.connection.id };
}

/**
 * Looks whether a send took effect.
 *
 * @returns `present` with the part noted as done, or how the step goes on
 * @throws VendorError when the desk cannot be read
 */
async function verifySend(
  desk: DeskTask,
  intent: Intent,
  write: PlannedWrite,
): Promise<Resolution | 'present'> {
  const { task, parts } = desk;
  const found = await lookUp(desk, intent, write);
  switch (found.answer) {
    case 'present':
      desk.parts = { ...parts, [write.part]: madeBy(desk, write, found.child) };
      return 'present';
    case 'uncertain':
      return decided('uncertain', found.because, { intent, parts });
    case 'overtaken':
      return decided('skipped', found.because, { intent, parts, writes: 'refused' });
    case 'absent': {
      const next = weighAbsence(intent, desk.connection.settleMs, task.now());
      if (next.decision === 'resend') {
        if (task.claimed.attempts < MAX_ATTEMPTS) {
          return later('pending', 0, 'verified absent: sending again', { intent, parts, writes: 'refused' });
        }
        const because = `${MAX_ATTEMPTS} attempts used; none of them is to be found at the desk`;
        return decided('dead', because, { intent, parts, writes: 'refused' });
      }
      const again = { ...intent, absences: next.absences };
      return later('sending', next.inMs, 'outcome unknown: not found yet', { intent: again, parts });
    }
  }
}

async function lookUp(desk: DeskTask, intent: Intent, write: PlannedWrite): Promise<Found> {
  if (write.append === null) {
    const ticket = await readFresh(desk);
    if (ticket === 'gone' || ticket === null) return { answer: 'uncertain', because: 'the ticket is gone' };
    if (Object.keys(write.sets).length > 0) return judgeSets(write.sets, ticket.observed);
    const next = await desk.adapter.nextWrite(
      desk.action,
      ticket,
      new Set(Object.keys(desk.task.claimed.parts)),
      desk.context,
    );
    return next?.part === write.part ? { answer: 'absent' } : { answer: 'present', child: null };
  }
  const children = await desk.adapter.listChildren(write, desk.context);
  const { db } = desk.deps.database;
  const [taken, rows] = await Promise.all([
    takenByOthers(desk, childKind(write.append.children), children ?? []),
    readConnections(db),
  ]);
  return judgeAppend({
    children,
    text: write.append.text,
    botUserId: rows.find((row) => row.id === desk.connection.id)?.botUserId ?? null,
    before: intent.before,
    taken,
  });
}

async function takenByOthers(
  desk: DeskTask,
  kind: string,
  children: readonly Child[],
): Promise<ReadonlySet<string>> {
  const ids = children.map((child) => child.id);
  const bound = await boundTo(desk.deps.database.db, desk.connection.id, kind, ids);
  return new Set([...bound].filter(([, stepId]) => stepId !== desk.task.claimed.stepId).map(([id]) => id));
}
