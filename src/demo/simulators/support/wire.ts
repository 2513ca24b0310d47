import type { ServerResponse } from 'node:http';
import { gzipSync } from 'node:zlib';

import type { ArmedFault } from './faults.ts';
import { html, text, type Reply } from './reply.ts';

/** The answer a fault gives in place of the desk's own; null when the fault leaves the answer alone. */
export function refusing(fault: ArmedFault): Reply | null {
  switch (fault.kind) {
    case 'too_many':
      return text(
        'Too many requests',
        429,
        fault.retryAfter === undefined ? {} : { 'retry-after': String(fault.retryAfter) },
      );
    case 'status':
      return { ...text(fault.body ?? 'Internal Server Error', fault.status), ...typed(fault.type) };
    case 'bad_gateway':
      return html('<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>', 502);
    default:
      return null;
  }
}

function typed(type: string | undefined): Pick<Reply, 'headers'> {
  return type === undefined ? {} : { headers: { 'content-type': type } };
}

/** The answer after faults that replace its content. */
export function damaged(reply: Reply, fault: ArmedFault | null): Reply {
  if (fault?.kind === 'login_page') {
    return html('<html><head><title>Sign in</title></head><body><form>User name</form></body></html>');
  }
  if (fault?.kind === 'altered' && reply.body !== null) return { ...reply, body: fault.alter(reply.body) };
  if (fault?.kind === 'truncated' && reply.body !== null) {
    // Half of a bare number is another number, which nobody could tell from the truth: those become empty.
    const half = /^[[{]/.test(reply.body) ? Math.ceil(reply.body.length / 2) : 0;
    return { ...reply, body: reply.body.slice(0, half) };
  }
  return reply;
}

/** Writes an answer, with the faults that concern bytes. */
export function send(response: ServerResponse, reply: Reply, fault: ArmedFault | null, zip: boolean): void {
  response.statusCode = reply.status;
  for (const [name, value] of Object.entries(reply.headers ?? {})) response.setHeader(name, value);
  if (reply.body === null) return void response.end();
  const bytes = encoded(reply.body, fault);
  const packed = zip && fault === null && bytes.length > 0 ? gzipSync(bytes) : bytes;
  if (packed !== bytes) response.setHeader('content-encoding', 'gzip');
  response.setHeader('content-length', packed.length);
  if (fault?.kind === 'cut_off') return cutOff(response, packed);
  if (fault?.kind === 'trickle') return trickle(response, packed, fault.everyMs ?? 1000);
  response.end(packed);
}

function encoded(body: string, fault: ArmedFault | null): Buffer {
  return Buffer.from(body, fault?.kind === 'wrong_charset' ? (fault.encoding ?? 'latin1') : 'utf8');
}

function cutOff(response: ServerResponse, bytes: Buffer): void {
  response.write(bytes.subarray(0, Math.floor(bytes.length / 2)), () => response.socket?.destroy());
}

function trickle(response: ServerResponse, bytes: Buffer, everyMs: number): void {
  let sent = 0;
  const timer = setInterval(() => {
    if (response.destroyed) return clearInterval(timer);
    if (sent < bytes.length) return void response.write(bytes.subarray(sent, ++sent));
    clearInterval(timer);
    response.end();
  }, everyMs);
}
