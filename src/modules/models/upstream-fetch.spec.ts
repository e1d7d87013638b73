import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { Deadline, noteOnlyPrepared } from './deadline.js';
import { createUpstreamFetch } from './upstream-fetch.js';

const upstreamFetch = createUpstreamFetch();

/** A vendor can only bill a request that has left this server. */
describe('whether a request was sent', () => {
  let server: Server;
  let url: string;
  let deadline: Deadline;

  beforeEach(async () => {
    server = createServer((socket) => socket.once('data', () => socket.resetAndDestroy()));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    deadline = new Deadline(undefined, 60_000);
  });

  afterEach(() => {
    deadline.clear();
    server.close();
  });

  const send = (body: BodyInit) =>
    upstreamFetch(url, { method: 'POST', body, signal: deadline.signal }).then(
      () => 'answered',
      () => 'failed',
    );

  it('is known after the connection was lost', async () => {
    expect(await send('{}')).toBe('failed');
    expect(deadline.wasSent).toBe(true);
  });

  it('is known for bodies that are not text', async () => {
    expect(await send(new Uint8Array(10))).toBe('failed');
    expect(deadline.wasSent).toBe(true);
  });

  it('is not so if no connection was made', async () => {
    server.close();
    await once(server, 'close');
    for (const body of ['{}', new Uint8Array(10)]) {
      expect(await send(body)).toBe('failed');
      expect(deadline.wasSent).toBe(false);
    }
  });

  it('is not so if it was canceled before', async () => {
    const controller = new AbortController();
    const canceled = new Deadline(controller.signal, 60_000);
    const sent = upstreamFetch(url, { method: 'POST', body: '{}', signal: canceled.signal });
    controller.abort(new Error('stopped'));
    await expect(sent).rejects.toThrow();
    expect(canceled.wasSent).toBe(false);
    canceled.clear();
  });

  it('is not so if it only prepared the call', async () => {
    await send('{}');
    noteOnlyPrepared(deadline.signal);
    expect(deadline.wasSent).toBe(false);
  });
});

/** A conversation may be many times larger than everything else that a stream needs. */
it('keeps no body of a request while its answer is being received', async () => {
  const SIZE = 500_000;
  const server = createServer((socket) => {
    let received = 0;
    socket.on('data', ({ length }) => {
      received += length;
      if (received > SIZE && received - length <= SIZE)
        socket.write('HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n\r\nbegun');
    });
    socket.on('error', () => undefined);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const ask = async (index: number) => {
    const response = await upstreamFetch(url, { method: 'POST', body: `${index} `.repeat(SIZE / 2) });
    return response.body!.getReader();
  };
  const before = memory();
  const readers = await Promise.all(Array.from({ length: 10 }, (_, index) => ask(index)));
  for (const reader of readers) expect((await reader.read()).value).toHaveLength(5);
  // The bodies alone are ten times this size, as text and as bytes. The socket may hold for a moment what it has written.
  for (let tries = 0; memory() - before >= 2 * SIZE; tries++) {
    expect(tries).toBeLessThan(20);
    await sleep(50);
  }
  await Promise.all(readers.map((reader) => reader.cancel()));
  server.close();
});

function memory(): number {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

it('joins what arrives together, so that the parser need not pause between small chunks', async () => {
  const CHUNKS = 20_000;
  const server = createServer((socket) =>
    socket.once('data', () => {
      socket.write('HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n');
      socket.write('1\r\nx\r\n'.repeat(CHUNKS));
      socket.end('0\r\n\r\n');
    }),
  );
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  try {
    const { port } = server.address() as AddressInfo;
    const { body } = await upstreamFetch(`http://127.0.0.1:${port}`, { method: 'POST', body: '{}' });
    let [reads, length] = [0, 0];
    for await (const chunk of body!) {
      reads++;
      length += chunk.length;
      // A reader that lets others run.
      await new Promise(setImmediate);
    }
    expect(length).toBe(CHUNKS);
    expect(reads).toBeLessThan(CHUNKS / 100);
  } finally {
    server.close();
  }
});
