import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';

/** A way to PostgreSQL that can stop moving. Its connections stay open, like those of a stopped process. */
export interface FreezableRoute {
  url: string;
  freeze(): void;
  /** The connections of this moment never move again. New ones do, as after a failover. */
  vanish(): void;
  close(): Promise<void>;
}

export async function freezableRoute(databaseUrl: string): Promise<FreezableRoute> {
  const target = new URL(databaseUrl);
  const sockets = new Set<Socket>();
  let isFrozen = false;
  let vanished = 0;
  const server = createServer((client) => {
    const age = vanished;
    const isStill = () => isFrozen || age < vanished;
    const upstream = connect(Number(target.port || 5432), target.hostname);
    for (const [from, to] of [
      [client, upstream],
      [upstream, client],
    ] as const) {
      sockets.add(from);
      from.on('error', () => undefined);
      from.on('data', (data) => !isStill() && to.write(data));
      from.on('close', () => {
        sockets.delete(from);
        if (!isStill()) to.destroy();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = new URL(databaseUrl);
  url.hostname = '127.0.0.1';
  url.port = String((server.address() as AddressInfo).port);
  return {
    url: url.href,
    freeze: () => (isFrozen = true),
    vanish: () => void vanished++,
    close: async () => {
      for (const socket of sockets) socket.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, 'close');
    },
  };
}
