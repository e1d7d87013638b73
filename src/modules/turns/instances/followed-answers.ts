import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable, Logger } from '@nestjs/common';
import type { Identity } from '../../../common/auth/identity.js';
import { streamInProgress } from '../../../common/errors/app-error.js';
import { toJson } from '../../../common/database/stored-json.js';
import type { LiveStream } from '../stream-hub/live-stream.js';
import type { SentAnswer, TurnRequest } from '../turn.types.js';
import { CheckpointConflict } from './checkpoint-reader.js';
import { FollowedAnswer } from './followed-answer.js';
import {
  type Follow,
  type FoundAnswer,
  FollowedAnswersRepository,
  type StoredAnswer,
} from './followed-answers.repository.js';

/** In milliseconds. With the interval of checkpoints, readers are at most a second behind. */
const LOOK_INTERVAL = 150;
/** After this time without a reader, an answer is not followed any more. */
const UNREAD_FOR = 2_000;
/** For how many seconds an answer can be replayed after its end. */
const REPLAYABLE = 60;
const CHANGED = 'The answer was changed. Load the chat again.';

interface Followed extends Follow {
  answer: FollowedAnswer;
  readAt: number;
}

/**
 * The answers that other instances are writing, for readers of this one. Their checkpoints are read for all readers of
 * an answer together, and with one statement for all answers.
 */
@Injectable()
export class FollowedAnswers {
  private readonly logger = new Logger(FollowedAnswers.name);
  private readonly followed = new Map<string, Followed>();
  private isLooking = false;
  private isFailing = false;

  constructor(private readonly repository: FollowedAnswersRepository) {}

  /** The stream of the last answer in the user's chat, if it is being written or has ended within the last minute. */
  async find(identity: Identity, chatId: string): Promise<LiveStream | undefined> {
    const found = await this.repository.findLast(identity, chatId, REPLAYABLE);
    return found && this.streamOf(found);
  }

  /** The stream of the running answer to exactly this message: the request is a retry. */
  async findSame(identity: Identity, { chatId, action }: TurnRequest): Promise<LiveStream | undefined> {
    if (action.type !== 'submit') return undefined;
    const found = await this.repository.findLast(identity, chatId, 0);
    const { id, parts } = action.message;
    const isSame =
      found?.isMarked && found.questionId === id && JSON.stringify(found.question) === toJson(parts);
    return isSame ? this.streamOf(found) : undefined;
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
    return new FollowedAnswer(found, answer).stream;
  }

  private streamOf(found: FoundAnswer): LiveStream {
    const { streamId, messageId } = found;
    const known = streamId === null ? undefined : this.followed.get(streamId);
    if (known) {
      known.readAt = performance.now();
      return known.answer.stream;
    }
    const answer = new FollowedAnswer(found);
    if (streamId !== null && found.isMarked) {
      const { version } = answer;
      this.followed.set(streamId, { answer, streamId, messageId, version, readAt: performance.now() });
      void this.lookOn();
    }
    return answer.stream;
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
    if (this.followed.size === 0) return;
    for (const stored of await this.repository.look([...this.followed.values()])) {
      const followed = this.followed.get(stored.streamId);
      if (followed && this.take(followed, stored)) this.followed.delete(stored.streamId);
    }
  }

  private take(followed: Followed, stored: StoredAnswer): boolean {
    try {
      const isOver = followed.answer.take(stored);
      followed.version = followed.answer.version;
      return isOver;
    } catch (error) {
      if (!(error instanceof CheckpointConflict))
        this.logger.error({ err: error, messageId: followed.messageId }, 'An answer could not be followed.');
      followed.answer.giveUp(CHANGED);
      return true;
    }
  }

  private forgetUnread(): void {
    const now = performance.now();
    for (const [id, followed] of this.followed) {
      if (followed.answer.stream.hasReaders) followed.readAt = now;
      else if (now - followed.readAt > UNREAD_FOR) this.followed.delete(id);
    }
  }
}
