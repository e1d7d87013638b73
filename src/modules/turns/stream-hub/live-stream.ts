import type { UIMessageChunk } from 'ai';
import { type Position, ReplayLog } from './replay-log.js';

/** Somebody who reads a stream. Frames are complete server-sent events. */
export interface StreamReader {
  /** @returns false when the reader can't take more now; it must call `resume` of its subscription when it can. */
  write(frame: string): boolean;
  end(): void;
}

export interface Subscription {
  /** The reader can take more: it gets what it has missed, then follows. */
  resume(): void;
  /** The reader has gone. */
  close(): void;
}

interface Follower {
  reader: StreamReader;
  /** Set while the reader is behind: it reads from the log, not from what is published. */
  behind?: Position;
}

export const DONE_FRAME = 'data: [DONE]\n\n';

/**
 * One answer while it is generated. Whoever generates publishes; any number of readers come and go, each gets everything
 * from the first chunk on. A slow reader keeps nothing but a position in the one log: it slows nobody and costs no memory.
 */
export class LiveStream {
  private readonly log = new ReplayLog();
  private readonly followers = new Set<Follower>();
  private finished = false;

  get size(): number {
    return this.log.size;
  }

  publish(chunk: UIMessageChunk): void {
    if (this.finished) return;
    this.log.append(chunk);
    if (this.followers.size === 0) return;
    const frame = toFrame(chunk);
    for (const follower of this.followers) {
      if (follower.behind === undefined && !follower.reader.write(frame)) follower.behind = this.log.end();
    }
  }

  /** Nothing more will come: readers get `[DONE]` and are let go, those behind when they have caught up. */
  finish(): void {
    if (this.finished) return;
    this.finished = true;
    for (const follower of this.followers) if (follower.behind === undefined) this.dismiss(follower);
  }

  subscribe(reader: StreamReader): Subscription {
    const follower: Follower = { reader, behind: { entry: 0, offset: 0 } };
    this.followers.add(follower);
    this.catchUp(follower);
    return {
      resume: () => this.catchUp(follower),
      close: () => this.followers.delete(follower),
    };
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
    this.followers.delete(follower);
    follower.reader.write(DONE_FRAME);
    follower.reader.end();
  }
}

function toFrame(chunk: UIMessageChunk): string {
  return `data: ${JSON.stringify(chunk)}\n\n`;
}
