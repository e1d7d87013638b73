/** How long streams may use the event loop before others get a turn, in milliseconds. */
const SLICE = 10;

let startedAt: number | undefined;
const waiting: Array<() => void> = [];

/**
 * Called before each piece of work that usually follows the previous one in the same turn of the event loop, such as a
 * part of a stream that has already arrived. Returns a promise if it is time for others: for requests, timers and
 * other streams. Streams that wait continue in order of arrival, one in each turn.
 */
export function timeForOthers(): Promise<void> | undefined {
  const now = performance.now();
  if (startedAt === undefined) {
    startedAt = now;
    setImmediate(nextTurn);
    return undefined;
  }
  return now - startedAt < SLICE ? undefined : new Promise((resolve) => waiting.push(resolve));
}

function nextTurn(): void {
  startedAt = undefined;
  const next = waiting.shift();
  if (!next) return;
  startedAt = performance.now();
  setImmediate(nextTurn);
  next();
}
