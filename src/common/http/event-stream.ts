import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';

/** In milliseconds. Proxies and clients time out on a silent connection. A comment keeps it open. */
export const PING = { interval: 15_000 };
const CHECK_INTERVAL = 1_000;
/** A client that has read nothing for this long, although data was available, counts as disconnected. */
const STUCK_AFTER = 60_000;
/** The number of buffered characters before a reader must wait. */
const MAX_PENDING = 64 * 1024;
const PING_FRAME = ': ping\n\n';

export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const;

/** One timer for all connections. A timer for each would be reset with every token. */
const open = new Set<EventStream>();
let checkTimer: NodeJS.Timeout | undefined;

/**
 * Writes server-sent events directly to the socket. The reply is taken over from the framework, so headers that hooks
 * have set (CORS, request id, security) are sent along.
 */
export class EventStream {
  private lastWrite = performance.now();
  private pending = '';
  private refused = false;
  private begun = false;
  /** The client has closed its sending side, or has left. Only sending something can tell which. */
  private mayHaveLeft = false;

  /**
   * @param onDrain called after a write returned false, when the socket can take more again
   * @param onClose called once when the connection is closed by either side
   */
  constructor(
    private readonly reply: FastifyReply,
    headers: Record<string, string>,
    private readonly events: { onDrain: () => void; onClose: () => void },
  ) {
    const { raw } = reply;
    reply.hijack();
    const own = reply.getHeaders() as Record<string, string>;
    raw.writeHead(200, { ...own, ...EVENT_STREAM_HEADERS, ...headers });
    const { socket } = raw;
    const drained = () => this.drained();
    raw.on('drain', drained);
    socket?.on('drain', drained);
    const halfClosed = () => {
      this.mayHaveLeft = true;
      this.write(PING_FRAME);
    };
    if (socket?.readableEnded) process.nextTick(halfClosed);
    else socket?.once('end', halfClosed);
    raw.on('error', () => undefined);
    const closed = () => {
      open.delete(this);
      socket?.off('drain', drained).off('end', halfClosed);
      events.onClose();
    };
    // A client may have disconnected while its answer was being prepared. The close event was then emitted earlier.
    if (raw.destroyed) process.nextTick(closed);
    else raw.once('close', closed);
    open.add(this);
    checkTimer ??= setInterval(checkAll, CHECK_INTERVAL).unref();
  }

  /**
   * Sends a frame. All frames of one turn of the event loop leave together, in one packet and one system call.
   *
   * @returns false if the buffer is full until `onDrain`; the frame is still sent
   */
  write(frame: string): boolean {
    const { raw } = this.reply;
    if (raw.destroyed) return true;
    if (this.pending === '') process.nextTick(() => this.flush());
    this.pending += frame;
    this.refused = this.needsDrain() || this.pending.length > MAX_PENDING;
    return !this.refused;
  }

  /** Sends everything written so far now, not at the end of this turn of the event loop. */
  flush(): void {
    const { raw } = this.reply;
    const frames = this.pending;
    this.pending = '';
    if (raw.destroyed) return;
    if (frames === '') return this.begin();
    this.lastWrite = performance.now();
    this.send(frames);
    if (!this.needsDrain()) this.drained();
  }

  end(): void {
    open.delete(this);
    this.flush();
    this.reply.raw.end();
  }

  /** Closes the connection in the middle, without what is still waiting to be sent. */
  drop(): void {
    this.pending = '';
    this.reply.raw.destroy();
  }

  /**
   * Node writes a chunk of a chunked body in four pieces, and passes them to the system call as a list. This costs more
   * than everything else that a token needs. A response with a socket and chunked encoding gets a whole chunk at once.
   */
  private send(frames: string): void {
    const { socket, chunkedEncoding } = this.reply.raw as ServerResponse & { chunkedEncoding?: boolean };
    if (this.begun && socket && chunkedEncoding) {
      socket.write(`${Buffer.byteLength(frames).toString(16)}\r\n${frames}\r\n`);
    } else {
      // The first write is sent together with the headers.
      this.begun = true;
      this.reply.raw.write(frames);
    }
  }

  /** Headers are sent without waiting for content. */
  private begin(): void {
    if (this.begun) return;
    this.begun = true;
    this.reply.raw.flushHeaders();
  }

  private needsDrain(): boolean {
    const { raw } = this.reply;
    return raw.writableNeedDrain || (raw.socket?.writableNeedDrain ?? false);
  }

  private drained(): void {
    if (!this.refused) return;
    this.refused = false;
    this.events.onDrain();
  }

  /** Called periodically. Sends a comment after silence, and closes the connection of a client that does not read. */
  check(now: number): void {
    const silence = now - this.lastWrite;
    if (this.needsDrain()) {
      if (silence >= STUCK_AFTER) this.drop();
    } else if (silence >= PING.interval || this.mayHaveLeft) {
      // The system of a client that has left has refused the first data. It is seen when more is sent.
      this.mayHaveLeft = false;
      this.write(PING_FRAME);
    }
  }
}

function checkAll(): void {
  const now = performance.now();
  for (const stream of open) stream.check(now);
  if (open.size === 0) {
    clearInterval(checkTimer);
    checkTimer = undefined;
  }
}
