import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import type { ExchangeAnswer } from './exchange.ts';
import { parseJson } from '../../json.ts';

/** What the bytes of an answer say: compression, charset, JSON. */

/** A page of 300 Jitbit rows is about 400 KB. The limit holds for the bytes on the wire and for what they unpack to. */
export const MAX_ANSWER_BYTES = 16 * 1024 * 1024;

/** An answer that is not what was asked for; the message has no excerpt of it. */
export class AnswerError extends Error {
  override readonly name = 'AnswerError';
}

export interface AnswerBody {
  readonly bytes: Uint8Array;
  readonly text: string;
}

/** The first value of a header. */
export function headerOf(answer: ExchangeAnswer, name: string): string | undefined {
  const value = answer.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

/** The vendor's clock in epoch ms; null when the answer has no `Date`. */
export function serverNowOf(answer: ExchangeAnswer): number | null {
  const date = Date.parse(headerOf(answer, 'date') ?? '');
  return Number.isNaN(date) ? null : date;
}

const gunzipAsync = promisify(gunzip);

/** @throws AnswerError for a compression that was not asked for, or one that is broken or a bomb */
export async function readBody(answer: ExchangeAnswer): Promise<AnswerBody> {
  const bytes = await decompress(answer);
  const charset = /charset="?([\w-]+)/i.exec(headerOf(answer, 'content-type') ?? '')?.[1] ?? 'utf-8';
  return { bytes, text: decode(bytes, charset) };
}

async function decompress(answer: ExchangeAnswer): Promise<Uint8Array> {
  const encoding = headerOf(answer, 'content-encoding')?.toLowerCase() ?? 'identity';
  if (encoding === 'identity' || answer.body.length === 0) return answer.body;
  if (encoding !== 'gzip' && encoding !== 'x-gzip')
    throw new AnswerError('a compression that was not asked for');
  try {
    return await gunzipAsync(answer.body, { maxOutputLength: MAX_ANSWER_BYTES });
  } catch (cause) {
    throw new AnswerError('broken or oversized gzip', { cause });
  }
}

function decode(bytes: Uint8Array, charset: string): string {
  try {
    return new TextDecoder(charset).decode(bytes);
  } catch {
    return new TextDecoder().decode(bytes);
  }
}

/** True for a page: a login form, a proxy's error. */
export function looksLikePage(text: string): boolean {
  return /^\s*<(?:!doctype|html|head|body|\?xml)/i.test(text);
}

/** @throws JsonError */
export function readJson({ bytes, text }: AnswerBody): unknown {
  try {
    return parseJson(text);
  } catch (error) {
    // A wrong charset in the header must not hide good JSON.
    const utf8 = decode(bytes, 'utf-8');
    if (utf8 === text) throw error;
    return parseJson(utf8);
  }
}
