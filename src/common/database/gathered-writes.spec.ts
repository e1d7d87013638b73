import { once } from 'node:events';
import { Duplex } from 'node:stream';
import { gatherWrites, unsentBytes } from './gathered-writes.js';

describe('gatherWrites', () => {
  it('combines the writes of one turn of the event loop, and counts bytes until they are taken', async () => {
    const before = unsentBytes();
    const written: string[] = [];
    const callbacks: Array<() => void> = [];
    const stream = new Duplex({
      read: () => undefined,
      write: (chunk: Buffer, _encoding, callback) => {
        written.push(chunk.toString());
        callbacks.push(callback);
      },
    });
    gatherWrites(stream);
    gatherWrites(stream);
    for (const part of ['parse ', 'bind ', 'sync']) stream.write(Buffer.from(part));
    expect([written, unsentBytes() - before]).toEqual([[], 15]);
    await new Promise((resolve) => setImmediate(resolve));
    // The data has been written to the socket, but the other side has not read it yet.
    expect([written, unsentBytes() - before]).toEqual([['parse bind sync'], 15]);
    for (const callback of callbacks) callback();
    expect(unsentBytes() - before).toBe(0);

    stream.write(Buffer.from('lost'));
    expect(unsentBytes() - before).toBe(4);
    stream.destroy();
    await once(stream, 'close');
    gatherWrites(stream);
    expect(unsentBytes() - before).toBe(0);
  });
});
