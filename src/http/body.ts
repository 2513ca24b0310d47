import type { IncomingMessage } from 'node:http';

/**
 * Reads a request's body without ever holding more than `limit` bytes of it, whatever its head declares. What is not
 * read is the server's to drain.
 *
 * @returns null if the body is longer
 * @throws Error if the sender hung up
 */
export async function readBody(incoming: IncomingMessage, limit: number): Promise<Uint8Array | null> {
  if (Number(incoming.headers['content-length'] ?? 0) > limit) return null;
  const chunks: Buffer[] = [];
  let size = 0;
  return new Promise((resolve, reject) => {
    const onData = (chunk: Buffer): void => {
      size += chunk.length;
      if (size > limit) return settle(() => resolve(null));
      chunks.push(chunk);
    };
    const onEnd = (): void =>
      settle(() =>
        resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks)),
      );
    const onClose = (): void => settle(() => reject(new Error('the sender hung up')));
    const settle = (how: () => void): void => {
      incoming.off('data', onData).off('end', onEnd).off('error', onClose).off('close', onClose);
      if (!incoming.readableEnded) incoming.pause();
      how();
    };
    incoming.on('data', onData).on('end', onEnd).on('error', onClose).on('close', onClose);
  });
}
