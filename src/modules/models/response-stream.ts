import type { Readable } from 'node:stream';
import { noteSignOfLife } from './deadline.js';
import type { StreamEnd } from './vendors/vendor.js';

/**
 * How many bytes are passed on in one turn of the event loop. The vendors' clients read what has arrived without leaving
 * the turn, for example while they wait for the first words of an answer.
 */
const PIECE = 16 * 1024;
/** Of one event, or of a whole response without events, in bytes. Pictures are the largest. The clients keep it all. */
const MAX_SIZE = 64 * 1024 ** 2;

/** How long the rest of a response may take after its last event, in milliseconds. The connection can then be used again. */
const PATIENCE_BEHIND_END = 1_000;

/** How long no chunk may follow one that is possibly the last, in milliseconds. Then it is the last one. */
export const POSSIBLE_END = { quiet: 10_000 };

export interface ResponseSource {
  body: Readable;
  contentType: string;
  signal: AbortSignal | null | undefined;
  /** How the events say that they are complete. Otherwise, the end of the body says so. */
  streamEnd?: StreamEnd;
}

/** Passes a response on as it arrives, without the copies of a byte stream. The source pauses while nobody reads. */
export function responseStream({
  body,
  contentType,
  signal,
  streamEnd,
}: ResponseSource): ReadableStream<Uint8Array> {
  const hasEvents = contentType.startsWith('text/event-stream');
  // A stream that has ended takes nothing more. What is on its way still arrives.
  let isOpen = true;
  let isWanted = false;
  /** The rest of what has arrived comes in another turn. */
  let isYielding = false;
  let size = 0;
  const end = hasEvents && streamEnd ? new AnswerEnd(streamEnd) : undefined;
  let onReadable: (() => void) | undefined;
  let quiet: NodeJS.Timeout | undefined;

  /** The vendor has said everything. What comes later, and how the connection ends, changes nothing. */
  function finish(controller: ReadableStreamDefaultController<Uint8Array>): void {
    isOpen = false;
    controller.close();
    body.off('readable', onReadable!);
    body.resume();
    const timer = setTimeout(() => body.destroy(), PATIENCE_BEHIND_END);
    body.once('close', () => clearTimeout(timer));
  }

  function pass(controller: ReadableStreamDefaultController<Uint8Array>): void {
    if (!isOpen || !isWanted || isYielding) return;
    const piece = body.read(Math.min(body.readableLength, PIECE)) as Buffer | null;
    if (piece === null) return;
    noteSignOfLife(signal);
    size = (hasEvents ? sizeBehindEvents(piece) : undefined) ?? size + piece.length;
    if (size > MAX_SIZE) {
      body.destroy(new Error(`The response has more than ${MAX_SIZE} bytes in one piece.`));
      return;
    }
    isWanted = false;
    if (piece.length === PIECE) {
      isYielding = true;
      setImmediate(() => {
        isYielding = false;
        pass(controller);
      });
    }
    controller.enqueue(piece);
    if (!end) return;
    if (end.isBehind(piece)) finish(controller);
    else if (end.hasData) awaitQuiet(controller);
  }

  /** Pings do not count, and neither does the time in which nobody reads. */
  function awaitQuiet(controller: ReadableStreamDefaultController<Uint8Array>): void {
    clearTimeout(quiet);
    if (!isOpen || !end?.isPossible) return;
    quiet = setTimeout(() => {
      if (isOpen && isWanted && body.readableLength === 0) finish(controller);
      else awaitQuiet(controller);
    }, POSSIBLE_END.quiet).unref();
  }

  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const fail = (error: unknown) => {
          if (isOpen && end?.isPossible && !signal?.aborted) controller.close();
          else if (isOpen) controller.error(error);
          isOpen = false;
        };
        body.on('readable', (onReadable = () => pass(controller)));
        body.once('close', () => clearTimeout(quiet));
        body.once('end', () => {
          if (isOpen) controller.close();
          isOpen = false;
        });
        // More than one error may come, and each needs a listener.
        body.on('error', fail);
        // The source itself ends later, and until then its reader could read on.
        signal?.addEventListener('abort', () => fail(signal.reason), { once: true });
        if (signal?.aborted) fail(signal.reason);
      },
      pull(controller) {
        isWanted = true;
        pass(controller);
      },
      cancel: (reason) => {
        isOpen = false;
        body.destroy(reason instanceof Error ? reason : undefined);
      },
    },
    { highWaterMark: 0 },
  );
}

/** No beginning of a last event is longer. */
const LONGEST = 64;

/** Whether a stream of events has reached its end, which its connection may outlive or not reach. */
class AnswerEnd {
  /** Whether the last chunk was possibly the last of the answer. */
  isPossible = false;
  /** Whether the last piece had a part of a chunk, and not just pings. */
  hasData = false;
  private isLast = false;
  /** The beginning of the line that is incomplete. A stream begins with a line. */
  private line = '\n';

  constructor(private readonly signs: StreamEnd) {}

  /** @returns whether the last event is complete with this piece */
  isBehind(piece: Buffer): boolean {
    let text = this.line + piece.toString('latin1');
    this.line = text.slice(text.lastIndexOf('\n')).slice(0, LONGEST);
    this.hasData = text.includes('data:');
    const { lastEvent, possiblyLast } = this.signs;
    this.isPossible = possiblyLast?.test(text) === true || (this.isPossible && !this.hasData);
    if (!this.isLast) {
      const found = lastEvent?.exec(text);
      if (!found) return false;
      this.isLast = true;
      text = text.slice(found.index + found[0].length);
    }
    return /\n\r?\n/.test(text);
  }
}

/** How much of a piece follows the last event that ends in it. */
function sizeBehindEvents(piece: Buffer): number | undefined {
  const end = Math.max(piece.lastIndexOf('\n\n') + 2, piece.lastIndexOf('\n\r\n') + 3);
  return end > 2 ? piece.length - end : undefined;
}
