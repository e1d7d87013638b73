import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** What is read and thrown away, at most, so that a client that is still sending gets to read its answer. */
const MAX_DISCARDED = 32 * 1024 ** 2;

const discarding = new WeakSet<Socket>();

/** Whether the headers announce a body. */
export function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/** Whether a connection only throws away the rest of a request that has been answered. */
export function isDiscarding(socket: Socket): boolean {
  return discarding.has(socket);
}

/**
 * Looks after the body of a request that is answered before its body was read (401, 413, 429…). To close the connection
 * at once would reset it, and a client that is still sending would lose the answer. So the rest is read and thrown away,
 * but neither without end nor for long.
 */
export function discardBodyAfterAnswer(
  raw: IncomingMessage,
  response: ServerResponse,
  timeout: number,
): void {
  if (raw.complete || !hasBody(raw)) return;
  response.once('finish', () => {
    const { socket } = raw;
    if (raw.complete || socket.destroyed) return;
    discarding.add(socket);
    let discarded = 0;
    const timer = setTimeout(() => socket.destroy(), timeout);
    const done = () => {
      clearTimeout(timer);
      socket.off('close', done);
      discarding.delete(socket);
    };
    raw.on('data', (chunk: Buffer) => {
      discarded += chunk.length;
      if (discarded > MAX_DISCARDED) socket.destroy();
    });
    raw.once('end', done);
    // Node no longer tells a request that has been answered when its connection is gone.
    socket.once('close', done);
    raw.resume();
  });
}
