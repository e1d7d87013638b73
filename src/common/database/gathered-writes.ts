import type { Duplex } from 'node:stream';

/** The bytes that wait for the end of this turn of the event loop, by the socket they are for. */
const gathered = new Map<Duplex, () => number>();

type Write = (chunk: unknown, ...rest: unknown[]) => boolean;

/**
 * Lets what is written to a socket in one turn of the event loop leave in one piece: a statement is five messages, and a
 * system call each, or one with a list of five, costs more than all the rest of sending it.
 */
export function gatherWrites(stream: Duplex): void {
  if (gathered.has(stream) || stream.destroyed) return;
  const write = stream.write.bind(stream) as Write;
  let pending: Buffer[] = [];
  gathered.set(stream, () => pending.reduce((sum, { length }) => sum + length, 0));
  stream.once('close', () => gathered.delete(stream));
  const flush = () => {
    const chunks = pending;
    pending = [];
    if (chunks.length > 0 && !stream.destroyed)
      write(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks));
  };
  const gather: Write = (chunk, ...rest) => {
    if (!Buffer.isBuffer(chunk) || rest.length > 0) {
      flush();
      return write(chunk, ...rest);
    }
    if (pending.length === 0) process.nextTick(flush);
    pending.push(chunk);
    return true;
  };
  stream.write = gather as Duplex['write'];
}

/** What has been gathered and not been written yet, with what was written and the other side has not taken yet. */
export function unsentBytes(): number {
  return [...gathered].reduce((sum, [stream, waiting]) => sum + waiting() + stream.writableLength, 0);
}
