import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { createUpstreamFetch } from './upstream-fetch.js';

const upstreamFetch = createUpstreamFetch();
const EVENT = 'data: {"x":1}\n\n';
const MEGABYTE = 1024 ** 2;

/** A provider that sends without an end, as fast as it is read. */
describe('a response without an end', () => {
  let server: Server;
  let socket: Socket;
  let closed: Promise<void>;
  let head: string;
  let data: Buffer;

  beforeEach(async () => {
    server = createServer((connection) => {
      socket = connection;
      closed = new Promise((resolve) => socket.once('close', () => resolve()));
      const pump = () => {
        while (!socket.destroyed && socket.write(data));
      };
      socket.on('error', () => undefined);
      socket.on('drain', pump);
      socket.once('data', () => {
        socket.write(head);
        pump();
      });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterEach(() => {
    socket.destroy();
    server.close();
  });

  async function ask(text: string, type = 'text/event-stream', signal?: AbortSignal) {
    head = `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\n\r\n`;
    data = Buffer.from(text);
    const { port } = server.address() as AddressInfo;
    const { body } = await upstreamFetch(`http://127.0.0.1:${port}`, { method: 'POST', body: '{}', signal });
    return body!.getReader();
  }

  /** @returns how many bytes came before the failure, or before so many */
  async function sizeOf(reader: ReadableStreamDefaultReader<Uint8Array>, most: number): Promise<number> {
    let size = 0;
    while (size < most) {
      const next = await reader.read().catch(() => undefined);
      if (!next?.value) break;
      size += next.value.length;
    }
    return size;
  }

  it('lets everything else run, however fast it is read', async () => {
    const reader = await ask(EVENT.repeat(1_000));
    let turns = 0;
    let isReading = true;
    const count = () => {
      turns++;
      if (isReading) setImmediate(count);
    };
    setImmediate(count);
    await sizeOf(reader, 4 * MEGABYTE);
    isReading = false;
    // At most 16 KB in each turn of the event loop. The first ones belong to no turn that is counted.
    expect(turns).toBeGreaterThanOrEqual(4 * 64 - 4);
    await reader.cancel();
  });

  it('gives nothing more after the call was canceled', async () => {
    const controller = new AbortController();
    const reader = await ask(EVENT.repeat(1_000), 'text/event-stream', controller.signal);
    await reader.read();
    await new Promise((resolve) => setTimeout(resolve, 50));
    controller.abort(new Error('stopped'));
    await expect(reader.read()).rejects.toThrow('stopped');
    await closed;
  });

  it.each([
    ['that is one event', 'data: and so on', 'text/event-stream'],
    ['without events', '\n\n{"error":', 'application/json'],
  ])('fails before it takes much memory: %s', async (_what, text, type) => {
    const reader = await ask(text.repeat(4_000), type);
    expect(await sizeOf(reader, 100 * MEGABYTE)).toBeLessThan(80 * MEGABYTE);
    await closed;
  });

  it('may have any number of events', async () => {
    const reader = await ask(EVENT.repeat(4_000));
    expect(await sizeOf(reader, 100 * MEGABYTE)).toBeGreaterThanOrEqual(100 * MEGABYTE);
    await reader.cancel();
  });
});
