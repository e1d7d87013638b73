import { Injectable, Logger } from '@nestjs/common';
import { isDatabaseAway, isPassing } from '../../common/errors/postgres-errors.js';
import { Accounting } from '../accounting/accounting.service.js';
import { type LeftAnswer, RecoveryRepository } from './recovery.repository.js';

/** Small batches keep each statement short. What is left after this many rounds is closed in the next run. */
const BATCH = 100;
const MOST_ROUNDS = 50;
/** The limit for rows that cannot be closed. Further ones are tried again and again. */
const MOST_HOPELESS = 1_000;

/**
 * Closes what dead instances have left: their answers become `interrupted` with the content so far, the calls that they
 * had sent are booked, and their marks of active streams are removed. Users can write some of these rows, so each row
 * is handled separately: a row that is locked, or that PostgreSQL refuses to change, does not block the others.
 */
@Injectable()
export class TurnRecovery {
  private readonly logger = new Logger(TurnRecovery.name);
  private readonly hopeless = new Set<string>();

  constructor(
    private readonly repository: RecoveryRepository,
    private readonly accounting: Accounting,
  ) {}

  /**
   * @param ownStreams returns the streams that this instance is writing at the moment
   * @returns the number of closed answers
   */
  async recover(ownStreams: () => string[], { batch = BATCH }: { batch?: number } = {}): Promise<number> {
    let total = 0;
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const found = await this.findAnswers(ownStreams, batch);
      const closed = await this.closeAnswers(found);
      const runs = await this.closeRuns(messagesOf(found), batch, false);
      total += closed;
      const isFull = found.length >= batch || runs.found >= batch;
      if (!isFull || closed + runs.closed === 0) break;
    }
    await this.repository.forgetInstances();
    return total;
  }

  /** The same for one chat in which a user wants to continue. */
  async recoverChat(chatId: string, ownStreams: string[]): Promise<void> {
    const found = await this.findAnswers(() => ownStreams, BATCH, chatId);
    await this.closeAnswers(found);
    await this.closeRuns(messagesOf(found), BATCH, true);
  }

  private async findAnswers(
    ownStreams: () => string[],
    limit: number,
    chatId?: string,
  ): Promise<LeftAnswer[]> {
    const search = { ownStreams: ownStreams(), chatId, except: [...this.hopeless], limit };
    const found = await this.repository.findAnswers(search);
    // A turn that began after the list was requested, and before the statement ran, is in the new list.
    const own = new Set(ownStreams());
    return found.filter(({ streamId }) => streamId === null || !own.has(streamId));
  }

  private closeAnswers(answers: LeftAnswer[]): Promise<number> {
    return this.eachByItself(answers, {
      together: (some) => this.repository.closeAnswers(some),
      byForce: (one) => this.repository.forceAnswer(one),
      idOf: ({ messageId, streamId }) => messageId ?? streamId ?? '',
    });
  }

  private async closeRuns(
    messageIds: string[],
    limit: number,
    ofAnswersOnly: boolean,
  ): Promise<{ found: number; closed: number }> {
    if (ofAnswersOnly && messageIds.length === 0) return { found: 0, closed: 0 };
    const except = [...this.hopeless];
    const ids = await this.accounting.findLeft(messageIds, { except, limit, ofAnswersOnly });
    const closed = await this.eachByItself(ids, {
      together: (some) => this.accounting.closeLeft(some),
      byForce: (id) => this.accounting.closeLeft([id], { withoutMetadata: true }),
      idOf: (id) => id,
    });
    return { found: ids.length, closed };
  }

  /** Closes all in one statement. If that fails, it is split in halves, down to the rows that fail. */
  private async eachByItself<T>(rows: T[], acts: Acts<T>): Promise<number> {
    const [first] = rows;
    if (first === undefined) return 0;
    try {
      return await acts.together(rows);
    } catch (error) {
      if (isDatabaseAway(error)) throw error;
      if (rows.length === 1) return this.byForce(first, acts, error);
      const middle = Math.ceil(rows.length / 2);
      const closed = await this.eachByItself(rows.slice(0, middle), acts);
      return closed + (await this.eachByItself(rows.slice(middle), acts));
    }
  }

  private async byForce<T>(row: T, { byForce, idOf }: Acts<T>, cause: unknown): Promise<number> {
    const id = idOf(row);
    // A later run closes it. Its content is not at fault.
    if (isPassing(cause)) return this.leave(id, cause);
    try {
      const closed = await byForce(row);
      this.logger.warn(
        { err: cause, id },
        'An answer that a crash interrupted could only be closed in part.',
      );
      return closed;
    } catch (error) {
      if (isDatabaseAway(error)) throw error;
      if (isPassing(error)) return this.leave(id, error);
      if (this.hopeless.size < MOST_HOPELESS) this.hopeless.add(id);
      this.logger.error(
        { err: error, id },
        'An answer that a crash interrupted cannot be closed. It stays as it is.',
      );
      return 0;
    }
  }

  private leave(id: string, cause: unknown): number {
    this.logger.warn({ err: cause, id }, 'An answer that a crash interrupted is closed later.');
    return 0;
  }
}

interface Acts<T> {
  together: (rows: T[]) => Promise<number>;
  /** For a row that fails even by itself. */
  byForce: (row: T) => Promise<number>;
  idOf: (row: T) => string;
}

function messagesOf(answers: LeftAnswer[]): string[] {
  return answers.flatMap(({ messageId }) => messageId ?? []);
}
