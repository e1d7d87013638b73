import type { ServerResponse } from 'node:http';
import type { FastifyReply } from 'fastify';

/** In milliseconds. Proxies and clients give up on a silent connection; a comment keeps it alive and says nothing. */
export const PING = { interval: 15_000 };
const TEND_INTERVAL = 1_000;
/** A client that has taken nothing for this long, though there was something to take, is taken for gone. */
const STUCK_AFTER = 60_000;
/** Characters that are gathered before a reader is told to wait. */
const MAX_PENDING = 64 * 1024;
const PING_FRAME = ': ping\n\n';

export const EVENT_STREAM_HEADERS = {
  'content-type': 'text/event-stream; charset=utf-8',
  'cache-control': 'no-cache, no-transform',
  'x-accel-buffering': 'no',
} as const;

/** One timer for all connections: a timer each would be re-armed with every token. */
const open = new Set<EventStream>();
let tendTimer: NodeJS.Timeout | undefined;

/**
 * Server-sent events written straight to the socket. The reply is taken over from the framework, so headers that hooks
 * have set (CORS, request id, security) are sent along.
 */
export class EventStream {
  private lastWrite = performance.now();
  private pending = '';
  private refused = false;
  private begun = false;

  /**
   * @param onDrain called when a write said "no more" and the socket can take more again
   * @param onClose called once, when the connection is gone, whoever closed it
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
    raw.on('error', () => undefined);
    const closed = () => {
      open.delete(this);
      socket?.off('drain', drained);
      events.onClose();
    };
    // A client may have left while its answer was being prepared; then the event has been and gone.
    if (raw.destroyed) process.nextTick(closed);
    else raw.once('close', closed);
    open.add(this);
    tendTimer ??= setInterval(tendAll, TEND_INTERVAL).unref();
  }

  /**
   * Sends a frame; those of one turn of the event loop leave together, in one packet and one system call.
   *
   * @returns false when there is no room for more until `onDrain`; the frame is still sent
   */
  write(frame: string): boolean {
    const { raw } = this.reply;
    if (raw.destroyed) return true;
    if (this.pending === '') process.nextTick(() => this.flush());
    this.pending += frame;
    this.refused = this.needsDrain() || this.pending.length > MAX_PENDING;
    return !this.refused;
  }

  /** Sends what has been written so far now, and not at the end of this turn of the event loop. */
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

  /**
   * Node writes a chunk of a chunked body in four pieces, of which the system call makes a list: more work than all else
   * that a token needs. A response that has its socket, and sends chunks, is given a whole chunk at once.
   */
  private send(frames: string): void {
    const { socket, chunkedEncoding } = this.reply.raw as ServerResponse & { chunkedEncoding?: boolean };
    if (this.begun && socket && chunkedEncoding) {
      socket.write(`${Buffer.byteLength(frames).toString(16)}\r\n${frames}\r\n`);
    } else {
      // The first one leaves together with the headers.
      this.begun = true;
      this.reply.raw.write(frames);
    }
  }

  /** Headers do not wait for something to say. */
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

  /** Called now and then: says something after a silence, lets go of a client that does not read. */
  tend(now: number): void {
    const silence = now - this.lastWrite;
    if (this.needsDrain()) {
      if (silence >= STUCK_AFTER) this.reply.raw.destroy();
    } else if (silence >= PING.interval) this.write(PING_FRAME);
  }
}

function tendAll(): void {
  const now = performance.now();
  for (const stream of open) stream.tend(now);
  if (open.size === 0) {
    clearInterval(tendTimer);
    tendTimer = undefined;
  }
}
