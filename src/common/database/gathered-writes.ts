import type { Duplex } from 'node:stream';

/** The bytes that wait for the end of this turn of the event loop, by socket. */
const gathered = new Map<Duplex, () => number>();

type Write = (chunk: unknown, ...rest: unknown[]) => boolean;

/**
 * Combines everything that is written to a socket in one turn of the event loop into one write. A statement has five
 * messages. A system call for each, or one call with a list of five, costs more than the rest of sending the statement.
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

/** Bytes that are gathered but not written, and bytes that are written but not taken by the other side. */
export function unsentBytes(): number {
  return [...gathered].reduce((sum, [stream, waiting]) => sum + waiting() + stream.writableLength, 0);
}
