import { setTimeout as sleep } from 'node:timers/promises';
import { mayRunAgain } from '../errors/postgres-errors.js';
import { toAppError } from '../errors/problem.js';

/** About 16 seconds in total, because a user is waiting. */
const SHORT = [100, 250, 500, 1_000, ...Array<number>(7).fill(2_000)];
/** About four minutes in total. Readers wait for the end of their answer, so it is tried soon after the database is back. */
const LONG = [...SHORT, ...Array<number>(112).fill(2_000)];

/**
 * Repeats a write that must not be lost while the database is unavailable or its rows are locked. It holds no
 * connection between tries. Other errors are thrown immediately. The write must be idempotent.
 *
 * @param patience `long` for writes that nobody can repeat, such as the end of an answer
 */
export async function retryWhileUnavailable<T>(
  write: () => Promise<T>,
  patience: 'short' | 'long' = 'short',
): Promise<T> {
  for (const delay of patience === 'long' ? LONG : SHORT) {
    try {
      return await write();
    } catch (error) {
      if (toAppError(error).status !== 503 && !mayRunAgain(error)) throw error;
      // A process that is ending does not wait for the next try.
      await sleep(delay, undefined, { ref: false });
    }
  }
  return write();
}
