import { Injectable, Logger } from '@nestjs/common';
import type { UIMessage } from 'ai';
import { AppError, unavailable } from '../../common/errors/app-error.js';
import type { AccountedRun } from '../accounting/accounted-run.js';
import { isOfDeletedUser } from '../accounting/accounting.service.js';
import { retryWhileUnavailable } from '../../common/database/retry.js';
import { shownMetadata } from '../messages/shown-metadata.js';
import { UsageService } from '../usage/usage.service.js';
import type { Booking } from '../usage/usage.types.js';
import { readParts } from './stored-parts.js';
import { type FinishedAnswer, type StoredEnd, TurnEndRepository } from './turn-end.repository.js';
import { failed } from './turn-ending.js';
import type { End } from './turn-phases.js';

/** What readers are told of the end of an answer. */
export interface Told {
  end: End;
  /** What another instance has stored instead of what the turn has written. */
  instead?: { metadata: Record<string, unknown>; parts: UIMessage['parts'] };
}

export const UNSTORED: End = failed(unavailable('The end of the answer could not be stored.', 5));
const DELETED: End = failed(
  new AppError(404, 'not_found', 'The answer was deleted while it was being generated.'),
);

/** Stores the end of an answer, and says what readers are told: only what is stored. */
@Injectable()
export class TurnStoring {
  private readonly logger = new Logger(TurnStoring.name);

  constructor(
    private readonly repository: TurnEndRepository,
    private readonly usage: UsageService,
  ) {}

  /**
   * Stores the end together with the calls of the run. This is retried for minutes while the database is away.
   *
   * @param end as the turn has ended
   */
  async store(run: AccountedRun, answer: FinishedAnswer, end: End): Promise<Told> {
    let stored: StoredEnd | undefined;
    let booked: Booking | undefined;
    const isStored = await run.end({
      storing: (booking) => this.repository.finish(answer, (booked = booking)),
      onStored: ([row]) => (stored = row as StoredEnd | undefined),
      failure: end.failure,
    });
    const { chatId, id: messageId } = answer;
    if (!isStored) {
      await this.closeWithout(run, answer);
      return { end: UNSTORED };
    }
    if (stored?.isOwn) return { end };
    if (booked) await this.bookAgain(booked, answer);
    const { status, finishReason, metadata } = stored ?? {};
    // A chat that was deleted has no status, and its turn was stopped for that.
    if (!status) return { end: end.status === 'stopped' ? end : DELETED };
    this.logger.warn(
      { chatId, messageId, status },
      'Another instance has closed an answer because this one was silent for too long.',
    );
    const reason = finishReason ?? undefined;
    const { createdAt } = answer;
    return {
      end: { status: status === 'streaming' ? 'interrupted' : status, finishReason: reason },
      instead: {
        metadata: shownMetadata(metadata ?? null, { status, finishReason: reason, createdAt }),
        parts: readParts(stored?.parts),
      },
    };
  }

  /** The other instance did not know how the calls ended, and has booked them with their least figures. Never rejects. */
  private async bookAgain(
    booking: Booking,
    { chatId, id: messageId, userId }: FinishedAnswer,
  ): Promise<void> {
    const statements = [this.repository.withdrawEstimates(booking), this.usage.bookStatement(booking)];
    try {
      await retryWhileUnavailable(() => this.repository.store(statements, userId));
    } catch (error) {
      if (isOfDeletedUser(error)) return;
      this.logger.error(
        { err: error, chatId, messageId },
        'The calls of an answer stay booked with estimates.',
      );
    }
  }

  /** The checkpoint contains all but the last second. If this fails, recovery closes the answer later. */
  private async closeWithout(run: AccountedRun, answer: FinishedAnswer): Promise<void> {
    const { chatId, id: messageId } = answer;
    this.logger.error({ chatId, messageId }, 'The end of an answer could not be stored.');
    run.patience = 'short';
    const closed = { ...answer, parts: undefined, status: 'failed', finishReason: 'error' } as const;
    await run.store((booking) => this.repository.finish({ ...closed, asked: [] }, booking));
  }
}
