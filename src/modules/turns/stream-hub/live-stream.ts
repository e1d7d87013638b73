import type { UIMessageChunk } from 'ai';
import { type Position, ReplayLog, sizeOf } from './replay-log.js';

/** A reader of a stream. Frames are complete server-sent events. */
export interface StreamReader {
  /** @returns false if the reader cannot accept more now; it must then call `resume` of its subscription when it can */
  write(frame: string): boolean;
  end(): void;
  /** Disconnects the reader in the middle. It can resume the stream, or load the stored answer. */
  drop(): void;
}

export interface Subscription {
  /** The reader can accept more. It gets the missed frames and then follows the stream. */
  resume(): void;
  /** The reader has left. */
  close(): void;
}

interface Follower {
  reader: StreamReader;
  /** Set while the reader is behind. It then reads from the log, not from the published chunks. */
  behind?: Position;
}

/** A reader that takes what is new when it can use it. It keeps a position in the log and nothing else. */
export interface Tail {
  /** The next chunks: at least one if there is any, and no more than about this many characters. */
  take(characters: number): UIMessageChunk[];
  /** Whether everything so far was taken. */
  isDrained(): boolean;
  /** Whether everything was taken, and nothing follows. */
  isEnded(): boolean;
  close(): void;
}

/**
 * The logs of answers that have ended are only kept for readers that are behind. This is the most that all of them may
 * keep together, in characters. If it is more, the readers of the oldest ones are disconnected.
 */
export const LINGERING_LIMIT = { size: 32 * 1024 ** 2 };

const lingering = new Set<LiveStream>();

function limitLingering(): void {
  let size = 0;
  for (const stream of lingering) size += stream.size;
  for (const stream of lingering) {
    if (size <= LINGERING_LIMIT.size) return;
    size -= stream.size;
    stream.dropReaders();
  }
}

const BEGINNING: Position = { entry: 0, offset: 0 };

export const DONE_FRAME = 'data: [DONE]\n\n';

/**
 * One answer while it is generated. The generator publishes chunks. Any number of readers can join and leave, and each
 * one gets everything from the first chunk on. For a slow reader, only a position in the shared log is kept, so it
 * slows nobody down and needs no memory.
 */
export class LiveStream {
  private readonly log = new ReplayLog();
  private readonly followers = new Set<Follower>();
  private continuation: Position = BEGINNING;
  /** What to call when there is more for a tail. */
  private readonly tails = new Set<() => void>();
  private finished = false;

  get size(): number {
    return this.log.size;
  }

  get isFinished(): boolean {
    return this.finished;
  }

  get hasReaders(): boolean {
    return this.followers.size > 0;
  }

  publish(chunk: UIMessageChunk): void {
    if (this.finished) return;
    this.log.append(chunk);
    if (this.tails.size > 0) for (const tell of this.tails) tell();
    if (this.followers.size === 0) return;
    const frame = toFrame(chunk);
    for (const follower of this.followers) {
      if (follower.behind === undefined && !follower.reader.write(frame)) follower.behind = this.log.end();
    }
  }

  /** Ends the stream. Readers get `[DONE]` and are disconnected, slow ones after they have caught up. */
  finish(): void {
    if (this.finished) return;
    this.finished = true;
    for (const tell of this.tails) tell();
    for (const follower of this.followers) if (follower.behind === undefined) this.dismiss(follower);
    this.linger();
  }

  /** Disconnects readers that are behind. */
  dropReaders(): void {
    lingering.delete(this);
    for (const { reader } of this.followers) reader.drop();
    this.followers.clear();
  }

  /** What is published from now on continues an answer. Its first part was published for readers that do not have it. */
  beginContinuation(): void {
    this.continuation = this.log.end();
  }

  /** @param hasBeginning whether the reader has what is continued */
  subscribe(reader: StreamReader, hasBeginning = false): Subscription {
    const follower: Follower = { reader, behind: hasBeginning ? this.continuation : BEGINNING };
    this.followers.add(follower);
    this.catchUp(follower);
    this.linger();
    return {
      resume: () => this.catchUp(follower),
      close: () => this.forget(follower),
    };
  }

  /** @param onMore called after each chunk and at the end; the tail may take the chunks later */
  tail(onMore: () => void): Tail {
    let position: Position = { entry: 0, offset: 0 };
    const isDrained = () => this.log.next(position) === undefined;
    this.tails.add(onMore);
    return {
      take: (characters) => {
        const chunks: UIMessageChunk[] = [];
        for (let size = 0; size < characters;) {
          const next = this.log.next(position);
          if (next === undefined) break;
          position = next.position;
          chunks.push(next.chunk);
          size += sizeOf(next.chunk);
        }
        return chunks;
      },
      isDrained,
      isEnded: () => this.finished && isDrained(),
      close: () => void this.tails.delete(onMore),
    };
  }

  /** Counts an ended answer that slow readers keep. They may also come after its end. */
  private linger(): void {
    if (!this.finished || this.followers.size === 0) return;
    lingering.add(this);
    limitLingering();
  }

  private forget(follower: Follower): void {
    this.followers.delete(follower);
    if (this.followers.size === 0) lingering.delete(this);
  }

  private catchUp(follower: Follower): void {
    if (!this.followers.has(follower)) return;
    while (follower.behind !== undefined) {
      const next = this.log.next(follower.behind);
      if (next === undefined) {
        follower.behind = undefined;
        break;
      }
      follower.behind = next.position;
      if (!follower.reader.write(toFrame(next.chunk))) return;
    }
    if (this.finished) this.dismiss(follower);
  }

  private dismiss(follower: Follower): void {
    this.forget(follower);
    follower.reader.write(DONE_FRAME);
    follower.reader.end();
  }
}

function toFrame(chunk: UIMessageChunk): string {
  return `data: ${JSON.stringify(chunk)}\n\n`;
}
