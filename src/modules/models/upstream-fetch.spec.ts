import { once } from 'node:events';
import { type AddressInfo, createServer, type Server } from 'node:net';
import { Deadline, noteOnlyPrepared } from './deadline.js';
import { upstreamFetch } from './upstream-fetch.js';

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
