import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { Identity } from '../../../common/auth/identity.js';
import { streamInProgress } from '../../../common/errors/app-error.js';
import { toJson } from '../../../common/database/stored-json.js';
import type { LiveStream } from '../stream-hub/live-stream.js';
import type { SentAnswer, TurnRequest } from '../turn.types.js';
import { CheckpointConflict } from './checkpoint-reader.js';
import { FollowedAnswer } from './followed-answer.js';
import { RedisLogs } from './redis-logs.js';
import {
  type Follow,
  type FoundAnswer,
  FollowedAnswersRepository,
  type StoredAnswer,
} from './followed-answers.repository.js';

/** In milliseconds. With the interval of checkpoints, readers are at most a second behind. */
const LOOK_INTERVAL = 150;
/** How often an answer is looked up that comes from a log: only to notice that it is over. */
const LOG_LOOK_INTERVAL = 1_000;
/** After this time, what is stored counts more than a log that does not end. */
const LOG_ENDS_WITHIN = 1_500;
/** How often a log is asked for while an answer comes from checkpoints. */
const LOG_RETRY = 1_000;
/** After this time without a reader, an answer is not followed any more. */
const UNREAD_FOR = 2_000;
/** For how many seconds an answer can be replayed after its end. */
const REPLAYABLE = 60;
const CHANGED = 'The answer was changed. Load the chat again.';

/** What a reader gets. `streamId` is set while the answer is being written. */
export interface FollowedStream {
  chatId: string;
  streamId?: string;
  stream: LiveStream;
}

interface Followed extends Follow {
  answer: FollowedAnswer;
  instanceId: number;
  readAt: number;
  /** The name of the log that is read, or will be if it answers. */
  log?: string;
  /** When the log was asked for, or the answer was looked up. */
  askedAt: number;
  lookedAt: number;
  /** When it was first seen to have ended, although its log goes on. */
  overSince?: number;
}

/**
 * The answers that other instances are writing, for readers of this one. They come from logs in Redis. Without Redis,
 * they come from their checkpoints, which are read for all readers of an answer together, and with one statement for all answers.
 */
@Injectable()
export class FollowedAnswers {
  private readonly logger = new Logger(FollowedAnswers.name);
  private readonly followed = new Map<string, Followed>();
  private isLooking = false;
  private isFailing = false;

  constructor(
    private readonly repository: FollowedAnswersRepository,
    private readonly logs: RedisLogs,
  ) {}

  /** The stream of the last answer in the user's chat, if it is being written or has ended within the last minute. */
  async find(identity: Identity, chatId: string): Promise<FollowedStream | undefined> {
    const found = await this.repository.findLast(identity, chatId, REPLAYABLE);
    return found && this.follow(chatId, found);
  }

  /** The stream of the running answer to exactly this message: the request is a retry. */
  async findSame(identity: Identity, { chatId, action }: TurnRequest): Promise<FollowedStream | undefined> {
    if (action.type !== 'submit') return undefined;
    const found = await this.repository.findLast(identity, chatId, 0);
    const { id, parts } = action.message;
    const isSame =
      found?.isMarked && found.questionId === id && JSON.stringify(found.question) === toJson(parts);
    return isSame ? this.follow(chatId, found) : undefined;
  }

  /**
   * The stream of an answer as it is stored, for a client that has it.
   *
   * @param answer what the client has of it; the last step is sent anew
   * @returns undefined if it is not an answer of the user's chat
   * @throws AppError 409 while it is generated
   */
  async show(identity: Identity, chatId: string, answer: SentAnswer): Promise<LiveStream | undefined> {
    const found = await this.repository.findAnswer(identity, chatId, answer.messageId);
    if (!found) return undefined;
    if (found.isMarked) throw streamInProgress();
    const shown = new FollowedAnswer(found, answer);
    shown.followCheckpoints();
    return shown.stream;
  }

  private follow(chatId: string, found: FoundAnswer): FollowedStream {
    return { chatId, streamId: found.streamId ?? undefined, stream: this.streamOf(found) };
  }

  private streamOf(found: FoundAnswer): LiveStream {
    const { streamId, messageId } = found;
    const known = streamId === null ? undefined : this.followed.get(streamId);
    if (known) {
      known.readAt = performance.now();
      return known.answer.stream;
    }
    const answer = new FollowedAnswer(found);
    const { instanceId, isMarked, version } = found;
    if (streamId === null || instanceId === null || !isMarked) {
      answer.followCheckpoints();
      return answer.stream;
    }
    const now = performance.now();
    const times = { readAt: now, askedAt: now, lookedAt: now };
    const followed: Followed = {
      answer,
      streamId,
      messageId,
      instanceId,
      version,
      readsParts: true,
      ...times,
    };
    this.followed.set(streamId, followed);
    this.openLog(followed);
    if (!followed.log && answer.leaveLog()) this.forget(followed);
    void this.lookOn();
    return answer.stream;
  }

  private openLog(followed: Followed): void {
    const { streamId, instanceId, answer } = followed;
    followed.askedAt = performance.now();
    followed.log = this.logs.open(streamId, instanceId, {
      take: (entry) => {
        if (this.attempt(followed, () => answer.takeEntry(entry))) this.forget(followed);
        else if (entry.state === 'ended') this.leaveLog(followed);
        followed.readsParts = !answer.followsLog;
      },
      lost: () => this.leaveLog(followed),
    });
  }

  private leaveLog(followed: Followed): void {
    if (followed.log) this.logs.close(followed.log);
    followed.log = undefined;
    followed.readsParts = true;
    if (this.attempt(followed, () => followed.answer.leaveLog())) this.forget(followed);
  }

  private forget({ streamId, log }: Followed): void {
    this.followed.delete(streamId);
    if (log) this.logs.close(log);
  }

  /** Never rejects. Runs while there are answers to follow. */
  private async lookOn(): Promise<void> {
    if (this.isLooking) return;
    this.isLooking = true;
    while (this.followed.size > 0) {
      await sleep(LOOK_INTERVAL, undefined, { ref: false });
      this.forgetUnread();
      try {
        await this.look();
        this.isFailing = false;
      } catch (error) {
        if (!this.isFailing)
          this.logger.warn({ err: error }, 'Answers of other instances could not be read. Trying again.');
        this.isFailing = true;
      }
    }
    this.isLooking = false;
  }

  private async look(): Promise<void> {
    const now = performance.now();
    const due = [...this.followed.values()].filter(
      ({ answer, lookedAt }) => !answer.followsLog || now - lookedAt >= LOG_LOOK_INTERVAL,
    );
    for (const followed of due) {
      followed.lookedAt = now;
      if (!followed.log && now - followed.askedAt >= LOG_RETRY) this.openLog(followed);
    }
    if (due.length === 0) return;
    for (const stored of await this.repository.look(due)) {
      const followed = this.followed.get(stored.streamId);
      if (!followed) continue;
      if (followed.answer.followsLog) this.compare(followed, stored);
      else if (this.attempt(followed, () => followed.answer.takeCheckpoint(stored))) this.forget(followed);
      followed.version = followed.answer.version;
    }
  }

  /** A log ends soon after the answer, unless its instance is dead or was taken for dead. */
  private compare(followed: Followed, { status, isMarked }: StoredAnswer): void {
    if (status === 'streaming' && isMarked) return;
    followed.overSince ??= performance.now();
    if (performance.now() - followed.overSince >= LOG_ENDS_WITHIN) this.leaveLog(followed);
  }

  /** @returns whether the answer has ended */
  private attempt(followed: Followed, work: () => boolean): boolean {
    try {
      return work();
    } catch (error) {
      if (!(error instanceof CheckpointConflict))
        this.logger.error({ err: error, messageId: followed.messageId }, 'An answer could not be followed.');
      followed.answer.giveUp(CHANGED);
      return true;
    }
  }

  private forgetUnread(): void {
    const now = performance.now();
    for (const followed of this.followed.values()) {
      if (followed.answer.stream.hasReaders) followed.readAt = now;
      else if (now - followed.readAt > UNREAD_FOR) this.forget(followed);
    }
  }
}
