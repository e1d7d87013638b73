import { setTimeout as sleep } from 'node:timers/promises';
import { toAppError } from '../errors/problem.js';

/** About 16 seconds in all: somebody is waiting. */
const SHORT = [100, 250, 500, 1_000, 2_000, 4_000, 8_000];
/** About four minutes in all. */
const LONG = [...SHORT, ...Array<number>(22).fill(10_000)];

/**
 * Repeats a write that must not get lost while the database is away, or while somebody locks its rows. Between two tries
 * it holds no connection. Errors that say anything else are thrown at once. The write must be idempotent.
 *
 * @param patience `long` for what nobody can do again, such as the end of an answer
 */
export async function retryWhileUnavailable<T>(
  write: () => Promise<T>,
  patience: 'short' | 'long' = 'short',
): Promise<T> {
  for (const delay of patience === 'long' ? LONG : SHORT) {
    try {
      return await write();
    } catch (error) {
      if (toAppError(error).status !== 503) throw error;
      // A process that ends does not wait for the next try.
      await sleep(delay, undefined, { ref: false });
    }
  }
  return write();
}
