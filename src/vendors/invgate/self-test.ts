import { VendorError } from '../../errors.ts';
import { isPlainHttp } from '../http/settings.ts';
import type { CallContext, SelfTest } from '../vendor.ts';
import type { Author } from './author.ts';
import type { Reader } from './reader.ts';
import { readViewPage } from './view.ts';

/** One authenticated call that changes nothing, who we are, and whether the saved view is fit (reference 1.3). */
export async function selfTest(reader: Reader, author: Author, context: CallContext): Promise<SelfTest> {
  const { client, mapping } = reader;
  const version = await client.raw('GET sd.version', {}, context);
  if (!isVersion(version)) throw client.unexpected('GET sd.version', 'a version', version);
  const findings: string[] = [];
  const botUserId = await findAuthor(author, findings, context);
  if (reader.viewId !== null) findings.push(...(await viewFindings(reader, context)));
  if (isPlainHttp(mapping.settings.url)) findings.push('url is http: the credentials travel unencrypted');
  return { botUserId, findings };
}

/** Manual, `sd.version`: "a string", with one field named version. */
function isVersion(value: unknown): boolean {
  if (typeof value === 'string' || typeof value === 'number') return true;
  return typeof value === 'object' && value !== null && 'version' in value;
}

/** Reading goes on without an author; every write is refused with the same words. */
async function findAuthor(author: Author, findings: string[], context: CallContext): Promise<string | null> {
  try {
    return await author.id(context);
  } catch (error) {
    if (!(error instanceof VendorError) || error.reason !== 'refused') throw error;
    findings.push(`author: ${error.message}; nothing can be written`);
    return null;
  }
}

/** A view that is missing, lacks its column or ignores the order is said before it costs changes. */
async function viewFindings(reader: Reader, context: CallContext): Promise<readonly string[]> {
  try {
    const page = await readViewPage(reader, 'last_update', null, context);
    return page.newestFirst ? [] : ['the view does not come newest first: every poll reads it to its end'];
  } catch (error) {
    if (!(error instanceof VendorError) || !['refused', 'not_found', 'unreadable'].includes(error.reason)) {
      throw error;
    }
    return [`view_id: ${error.message}`];
  }
}
