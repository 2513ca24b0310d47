import type { IncomingMessage } from 'node:http';

import type { Call } from './calls.ts';
import type { DeskClock } from './server.ts';

/** Reads a request completely: query, form or multipart fields together, JSON apart. */
export async function readCall(
  request: IncomingMessage,
  options: { readonly clock: DeskClock; readonly base: string },
): Promise<Omit<Call, 'number'>> {
  const at = options.clock.now();
  const body = await readBody(request);
  const headers = headersOf(request);
  const url = new URL(request.url ?? '/', 'http://simulator');
  const type = headers['content-type'] ?? '';
  const params = new URLSearchParams(url.searchParams);
  for (const [name, value] of await formFields(body, type)) params.append(name, value);
  return {
    method: request.method ?? 'GET',
    path: url.pathname,
    query: url.search.slice(1),
    name: nameBelow(options.base, url.pathname),
    params,
    json: type.includes('json') ? parsed(body) : null,
    headers,
    body,
    caller: request.socket.remoteAddress ?? '',
    at,
    handled: false,
    status: null,
    fault: null,
  };
}

/** `''` for a path outside the base: no endpoint has that name. */
function nameBelow(base: string, path: string): string {
  const prefix = `${base}/`.toLowerCase();
  const lower = path.toLowerCase();
  return lower.startsWith(prefix) ? lower.slice(prefix.length).replace(/\/$/, '') : '';
}

async function readBody(request: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

function headersOf(request: IncomingMessage): Record<string, string> {
  const headers: Record<string, string> = {};
  for (const [name, value] of Object.entries(request.headers)) {
    headers[name] = Array.isArray(value) ? value.join(', ') : (value ?? '');
  }
  return headers;
}

async function formFields(body: Buffer, type: string): Promise<Iterable<[string, string]>> {
  if (type.includes('application/x-www-form-urlencoded')) return new URLSearchParams(body.toString('utf8'));
  if (!type.includes('multipart/form-data')) return [];
  const form = await new Response(new Uint8Array(body), { headers: { 'content-type': type } }).formData();
  const fields: [string, string][] = [];
  form.forEach((value, name) => fields.push([name, typeof value === 'string' ? value : value.name]));
  return fields;
}

function parsed(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8')) as unknown;
  } catch {
    return null;
  }
}
