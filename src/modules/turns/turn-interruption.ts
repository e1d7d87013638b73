import { setTimeout as sleep } from 'node:timers/promises';
import { Injectable } from '@nestjs/common';
import { within } from '../../common/periodic/within.js';
import { AnswerReaders } from './instances/answer-readers.js';
import { RemoteTurns } from './instances/remote-turns.js';
import type { Turn } from './turn.js';
import type { TurnRequest } from './turn.types.js';

/**
 * A client closes the connection to its answer and sends the next message at once, and the message may arrive first. For
 * this long, a message waits for the readers of the running answer to leave, in milliseconds.
 */
export const LEAVING = { patience: 300 };
const CHECK_INTERVAL = 25;
const REMOTE_CHECK_INTERVAL = 100;
/** How long a request waits for a stopped answer to be stored, in milliseconds. */
export const STOP_TIMEOUT = 10_000;

type Check = () => Promise<void>;

/**
 * Another message while an answer is running. If nobody reads the answer (`stop()` of a client only closes its
 * connection) or the message says so (`interrupt`), the answer is stopped and kept.
 */
@Injectable()
export class TurnInterruption {
  constructor(
    private readonly remote: RemoteTurns,
    private readonly readers: AnswerReaders,
  ) {}

  /**
   * Stops a turn of this instance for this request, and waits until it is stored.
   *
   * @param check throws if the request would be refused; nothing is stopped then
   * @returns false if it may not be stopped
   */
  async stop(turn: Turn, request: TurnRequest, isRunning: () => boolean, check: Check): Promise<boolean> {
    if (request.action.type === 'approve') return false;
    const since = performance.now();
    while (!request.interrupt && (await this.readers.isRead(turn))) {
      if (performance.now() - since > LEAVING.patience) return false;
      await sleep(CHECK_INTERVAL);
      // It was read to its end, so the message came too early.
      if (!isRunning()) return false;
    }
    await check();
    if (!request.interrupt && !turn.isUnread) return false;
    turn.stop('stopped');
    await within(STOP_TIMEOUT, turn.done, () => undefined);
    return !isRunning();
  }

  /** The same for an answer that another instance is writing. */
  async stopRemote(
    userId: string,
    { chatId, action, interrupt }: TurnRequest,
    check: Check,
  ): Promise<boolean> {
    if (action.type === 'approve') return false;
    await check();
    if (interrupt) {
      // If there is none any more, nothing is in the way.
      await this.remote.stop({ userId, chatId }, STOP_TIMEOUT);
      return true;
    }
    for (const since = performance.now(); ;) {
      const isRead = this.readers.isFollowed(chatId);
      if (!isRead && (await this.remote.stop({ userId, chatId, isUnread: true }, STOP_TIMEOUT))) return true;
      // It may have ended by itself.
      if (!(await this.remote.isAnswering(userId, chatId))) return true;
      if (performance.now() - since > LEAVING.patience) return false;
      await sleep(REMOTE_CHECK_INTERVAL);
    }
  }
}
