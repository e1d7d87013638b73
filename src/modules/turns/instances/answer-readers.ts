import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { LiveStream } from '../stream-hub/live-stream.js';
import type { Turn } from '../turn.js';
import { AnswerReadersRepository } from './answer-readers.repository.js';
import type { FollowedStream } from './followed-answers.js';

/** How long to wait after a failure, in milliseconds. */
const RETRY_DELAY = 1_000;

interface Followed {
  chatId: string;
  stream: LiveStream;
  connections: number;
  flag: StoredFlag;
}

/**
 * Whether anyone reads a running answer. A message interrupts an answer that nobody reads, whichever instance gets the
 * message. So each instance notes what the others cannot see: the one that writes the answer, that all its readers have
 * left; the others, that they have readers. An answer that is read from its start to its end costs no statement.
 */
@Injectable()
export class AnswerReaders {
  private readonly logger = new Logger(AnswerReaders.name);
  private readonly flags = new WeakMap<Turn, StoredFlag>();
  /** By stream: the answers of other instances that are read here. */
  private readonly followed = new Map<string, Followed>();
  private isFailing = false;

  constructor(private readonly repository: AnswerReadersRepository) {}

  /** Notes whether an answer of this instance is read. Does nothing if that has not changed, or if the answer has no row. */
  note(turn: Turn): void {
    if (turn.phase !== 'answering') return;
    let flag = this.flags.get(turn);
    if (!flag) {
      if (!turn.isUnread) return;
      const { streamId, userId } = turn;
      flag = this.flagOf((isUnread) => this.repository.setUnread(streamId, userId, isUnread));
      this.flags.set(turn, flag);
    }
    void flag.set(turn.isUnread);
  }

  /** A connection of this user to this instance reads an answer that another one may be writing, until `left` aborts. */
  follow(userId: string, { chatId, streamId, stream }: FollowedStream, left: AbortSignal): void {
    if (left.aborted || streamId === undefined || stream.isFinished) return;
    const followed = this.followed.get(streamId) ?? {
      chatId,
      stream,
      connections: 0,
      flag: this.flagOf((isFollowed) => this.repository.setFollowed(streamId, userId, isFollowed)),
    };
    this.followed.set(streamId, followed);
    followed.connections++;
    void followed.flag.set(true);
    const leave = () => {
      if (--followed.connections === 0) void this.leave(streamId, followed);
    };
    left.addEventListener('abort', leave, { once: true });
  }

  /** Another reader may come meanwhile. Two flags of one answer would overtake each other. */
  private async leave(streamId: string, followed: Followed): Promise<void> {
    await followed.flag.set(false);
    if (followed.connections === 0 && this.followed.get(streamId) === followed)
      this.followed.delete(streamId);
  }

  /** Whether anyone reads an answer of this instance, here or on another one. */
  async isRead(turn: Turn): Promise<boolean> {
    return !turn.isUnread || (await this.repository.isFollowed(turn.streamId, turn.userId));
  }

  /** Whether the chat's running answer, of another instance, is read here. */
  isFollowed(chatId: string): boolean {
    return [...this.followed.values()].some(
      (followed) => followed.chatId === chatId && followed.connections > 0 && !followed.stream.isFinished,
    );
  }

  private flagOf(store: (value: boolean) => Promise<void>): StoredFlag {
    return new StoredFlag(async (value) => {
      try {
        await store(value);
        this.isFailing = false;
        return true;
      } catch (error) {
        if (!this.isFailing)
          this.logger.warn({ err: error }, 'Whether answers are read could not be stored. Trying again.');
        this.isFailing = true;
        return false;
      }
    });
  }
}

/** Keeps a flag in the database equal to a state here, with one statement at a time. */
class StoredFlag {
  private stored = false;
  private wanted = false;
  private storing?: Promise<void>;

  /** @param store returns false if it has failed */
  constructor(private readonly store: (value: boolean) => Promise<boolean>) {}

  /** Resolves when the flag is stored. Never rejects. */
  async set(wanted: boolean): Promise<void> {
    this.wanted = wanted;
    await (this.storing ??= this.run().finally(() => (this.storing = undefined)));
  }

  private async run(): Promise<void> {
    while (this.stored !== this.wanted) {
      const { wanted } = this;
      if (await this.store(wanted)) this.stored = wanted;
      else await sleep(RETRY_DELAY, undefined, { ref: false });
    }
  }
}
