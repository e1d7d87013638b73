import { setTimeout as sleep } from 'node:timers/promises';
import { toAppError } from '../errors/problem.js';

const DELAYS = [100, 250, 500, 1_000, 2_000, 4_000, 8_000];

/**
 * Repeats a write that must not get lost while the database is away (about 16 seconds in all). Errors that say
 * anything else than "not available" are thrown at once. The write must be idempotent.
 */
export async function retryWhileUnavailable<T>(write: () => Promise<T>): Promise<T> {
  for (const delay of DELAYS) {
    try {
      return await write();
    } catch (error) {
      if (toAppError(error).status !== 503) throw error;
      await sleep(delay);
    }
  }
  return write();
}
