import { setTimeout as sleep } from 'node:timers/promises';

/** How often a server that starts tries to reach the database, and how long it waits between, in milliseconds. */
export const START_ATTEMPTS = 5;
export const START_DELAY = 1_000;

/**
 * Repeats what fails while a database is starting.
 *
 * @param mayRetry whether a failure may pass; by default, each of them
 */
export async function untilStarted<T>(
  work: () => Promise<T>,
  mayRetry: (error: unknown, attempt: number) => boolean = () => true,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (attempt === START_ATTEMPTS || !mayRetry(error, attempt)) throw error;
      await sleep(START_DELAY);
    }
  }
}
