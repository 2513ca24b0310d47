import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Stands between Deskhand and its PostgreSQL and breaks the line. */
export interface DatabaseProxy {
  readonly port: number;
  /** Cuts every n-th session right after the server has said COMMIT and before the client hears it; 0: none. */
  cutEveryNthCommit(n: number): void;
  /** Sessions cut that way. */
  readonly cuts: number;
  /** Cuts all sessions and refuses new ones, until {@link accept}. */
  refuse(): Promise<void>;
  accept(): Promise<void>;
  /** Passes nothing on, as a server that hangs, until {@link release}. */
  hold(): void;
  release(): void;
  close(): Promise<void>;
}

/** What PostgreSQL's CommandComplete says after COMMIT. */
const COMMITTED = Buffer.from('COMMIT\0');

export async function startDatabaseProxy(target: () => number): Promise<DatabaseProxy> {
  const sockets = new Set<Socket>();
  let [nth, commits, cuts] = [0, 0, 0];
  let held = false;
  const link = (client: Socket): void => {
    const server = connect(target(), '127.0.0.1');
    const both = [client, server];
    const end = (): void => both.forEach((socket) => socket.destroy());
    client.on('data', (bytes) => void server.write(bytes));
    server.on('data', (bytes) => {
      if (nth > 0 && bytes.includes(COMMITTED) && (commits += 1) % nth === 0) {
        cuts += 1;
        end();
        return;
      }
      client.write(bytes);
    });
    for (const socket of both) {
      sockets.add(socket);
      socket.setNoDelay(true);
      if (held) socket.pause();
      socket.on('error', end);
      socket.on('close', () => {
        sockets.delete(socket);
        end();
      });
    }
  };
  let listener = await open(0, link);
  const { port } = listener.address() as AddressInfo;
  const shut = async (): Promise<void> => {
    const closed = new Promise((resolve) => listener.close(resolve));
    for (const socket of sockets) socket.destroy();
    await closed;
  };
  return {
    port,
    cutEveryNthCommit: (n) => void (nth = n),
    get cuts() {
      return cuts;
    },
    hold() {
      held = true;
      for (const socket of sockets) socket.pause();
    },
    release() {
      held = false;
      for (const socket of sockets) socket.resume();
    },
    refuse: shut,
    accept: async () => void (listener = await open(port, link)),
    close: shut,
  };
}

function open(port: number, link: (client: Socket) => void): Promise<Server> {
  return new Promise((resolve, reject) => {
    const server = createServer(link);
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => resolve(server));
  });
}
