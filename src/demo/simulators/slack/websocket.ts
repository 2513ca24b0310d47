import { createHash } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';

/** The server's end of one WebSocket (RFC 6455): text messages, ping and close, which is all Socket Mode needs. */
export interface ServerSocket {
  send(text: string): void;
  /** Says goodbye with a close frame. */
  close(): void;
  /** Breaks the connection without a word. */
  destroy(): void;
}

export interface SocketEvents {
  readonly onText: (text: string) => void;
  readonly onClose: () => void;
}

const text = 0x1;
const closing = 0x8;
const ping = 0x9;
const pong = 0xa;

/** Answers the upgrade request and speaks over its connection from then on. */
export function acceptSocket(request: IncomingMessage, stream: Duplex, events: SocketEvents): ServerSocket {
  const key = request.headers['sec-websocket-key'] ?? '';
  const accept = createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');
  const head = ['HTTP/1.1 101 Switching Protocols', 'Upgrade: websocket', 'Connection: Upgrade'];
  stream.write([...head, `Sec-WebSocket-Accept: ${accept}`, '', ''].join('\r\n'));

  let pending = Buffer.alloc(0);
  const receive = (opcode: number, payload: Buffer): void => {
    if (opcode === text) events.onText(payload.toString('utf8'));
    if (opcode === ping) stream.write(frame(pong, payload));
    if (opcode === closing) stream.end(frame(closing, payload));
  };
  stream.on('data', (chunk: Buffer) => {
    pending = Buffer.concat([pending, chunk]);
    for (let read = readFrame(pending); read !== null; read = readFrame(pending)) {
      pending = pending.subarray(read.size);
      receive(read.opcode, read.payload);
    }
  });
  stream.on('close', events.onClose);
  stream.on('error', () => stream.destroy());
  return {
    send: (message) => void stream.write(frame(text, Buffer.from(message))),
    close: () => void stream.write(frame(closing, Buffer.from([0x03, 0xe8]))),
    destroy: () => void stream.destroy(),
  };
}

/** An unmasked frame, as servers send them. */
function frame(opcode: number, payload: Buffer): Buffer {
  const head =
    payload.length < 126
      ? Buffer.from([0x80 | opcode, payload.length])
      : Buffer.from([0x80 | opcode, payload.length < 65_536 ? 126 : 127]);
  if (payload.length < 126) return Buffer.concat([head, payload]);
  const size = Buffer.alloc(payload.length < 65_536 ? 2 : 8);
  if (size.length === 2) size.writeUInt16BE(payload.length);
  else size.writeBigUInt64BE(BigInt(payload.length));
  return Buffer.concat([head, size, payload]);
}

/** The first complete frame of a client, unmasked; null while more bytes are needed. */
function readFrame(bytes: Buffer): { opcode: number; payload: Buffer; size: number } | null {
  if (bytes.length < 2) return null;
  const opcode = bytes.readUInt8(0) & 0x0f;
  const short = bytes.readUInt8(1) & 0x7f;
  const sizeBytes = short === 126 ? 2 : short === 127 ? 8 : 0;
  const start = 2 + sizeBytes + 4;
  if (bytes.length < start) return null;
  const length =
    sizeBytes === 0 ? short : sizeBytes === 2 ? bytes.readUInt16BE(2) : Number(bytes.readBigUInt64BE(2));
  if (bytes.length < start + length) return null;
  const mask = bytes.subarray(start - 4, start);
  const payload = Buffer.from(bytes.subarray(start, start + length));
  for (let index = 0; index < length; index++)
    payload[index] = (payload[index] ?? 0) ^ (mask[index % 4] ?? 0);
  return { opcode, payload, size: start + length };
}
