import type { Db } from './database.ts';

export interface Settings {
  /** Signs visible references; made at the first migration. */
  readonly referenceKey: string;
}

export async function readSettings(db: Db): Promise<Settings> {
  const rows = await db.selectFrom('settings').select(['key', 'value']).execute();
  const values = new Map(rows.map((row) => [row.key, row.value]));
  const key = values.get('reference_key');
  return { referenceKey: typeof key === 'string' ? key : '' };
}
