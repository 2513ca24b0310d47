import { expect, it } from 'vitest';

import { startReceiver } from './receiver.ts';

it('counts by webhook-id what took effect, lost answers included', async () => {
  const receiver = await startReceiver();
  const post = (id: string): Promise<Response> =>
    fetch(`${receiver.url}/in/here`, { method: 'POST', headers: { 'webhook-id': id }, body: '{}' });
  receiver.faults.next('*', { kind: 'reset_after' });
  receiver.faults.next('*', { kind: 'status', status: 503 });

  await expect(post('a')).rejects.toThrow('fetch failed');
  expect((await post('a')).status).toBe(503);
  expect((await post('a')).status).toBe(200);
  expect((await post('b')).status).toBe(200);

  expect(Object.fromEntries(receiver.received)).toEqual({ a: 2, b: 1 });
  expect(receiver.calls.all).toHaveLength(4);
  await receiver.close();
});
