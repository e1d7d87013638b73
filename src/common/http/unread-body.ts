import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** The maximum number of bytes to read and discard, so that a client that is still sending can read the response. */
const MAX_DISCARDED = 32 * 1024 ** 2;

const discarding = new WeakSet<Socket>();

/** Whether the headers announce a body. */
export function hasBody({ headers }: IncomingMessage): boolean {
  const length = headers['content-length'];
  return headers['transfer-encoding'] !== undefined || (length !== undefined && length !== '0');
}

/** Whether a connection only discards the rest of a request that has been answered. */
export function isDiscarding(socket: Socket): boolean {
  return discarding.has(socket);
}

/**
 * Handles the body of a request that is answered before its body was read (401, 413, 429…). Closing the connection
 * immediately would reset it, and a client that is still sending would lose the response. The rest is therefore read
 * and discarded, within a limit of size and time.
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
    // Node does not report a lost connection to a request that has been answered.
    socket.once('close', done);
    raw.resume();
  });
}
