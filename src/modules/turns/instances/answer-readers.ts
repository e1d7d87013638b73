import { Injectable, Logger } from '@nestjs/common';
import type { Turn } from '../turn.js';
import { AnswerReadersRepository } from './answer-readers.repository.js';

interface ChatPlace {
  userId: string;
  chatId: string;
}

interface Followed {
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
  /** By chat: the answers of other instances that are read here. */
  private readonly followed = new Map<string, Followed>();

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
    flag.set(turn.isUnread);
  }

  /** A connection to this instance reads an answer that another one writes, until `left` aborts. */
  follow(place: ChatPlace, left: AbortSignal): void {
    if (left.aborted) return;
    const known = this.followed.get(place.chatId);
    const followed = known ?? {
      connections: 0,
      flag: this.flagOf((isFollowed) => this.repository.setFollowed(place, isFollowed)),
    };
    this.followed.set(place.chatId, followed);
    followed.connections++;
    followed.flag.set(true);
    const leave = () => {
      if (--followed.connections > 0) return;
      this.followed.delete(place.chatId);
      followed.flag.set(false);
    };
    left.addEventListener('abort', leave, { once: true });
  }

  /** Whether anyone reads an answer of this instance, here or on another one. */
  async isRead(turn: Turn): Promise<boolean> {
    return !turn.isUnread || (await this.repository.isFollowed(turn.streamId, turn.userId));
  }

  /** Whether an answer of another instance is read here. */
  isFollowed(chatId: string): boolean {
    return this.followed.has(chatId);
  }

  private flagOf(store: (value: boolean) => Promise<void>): StoredFlag {
    return new StoredFlag(store, (error) =>
      this.logger.warn({ err: error }, 'Whether an answer is read could not be stored.'),
    );
  }
}

/** Keeps a flag in the database equal to a state here, with one statement at a time. */
class StoredFlag {
  private stored = false;
  private wanted = false;
  private isStoring = false;

  constructor(
    private readonly store: (value: boolean) => Promise<void>,
    private readonly onFailure: (error: unknown) => void,
  ) {}

  set(wanted: boolean): void {
    this.wanted = wanted;
    if (!this.isStoring) void this.run();
  }

  /** Never rejects. After a failure, the next change tries again. */
  private async run(): Promise<void> {
    this.isStoring = true;
    try {
      while (this.stored !== this.wanted) {
        const { wanted } = this;
        await this.store(wanted);
        this.stored = wanted;
      }
    } catch (error) {
      this.onFailure(error);
    } finally {
      this.isStoring = false;
    }
  }
}
