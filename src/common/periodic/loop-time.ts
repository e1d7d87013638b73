/** How long streams may use the event loop before others get a turn, in milliseconds. */
const SLICE = 10;

let startedAt: number | undefined;
const waiting: Array<() => void> = [];

/**
 * Called before each piece of work that usually follows the previous one in the same turn of the event loop, such as a
 * part of a stream that has already arrived. Returns a promise if it is time for others: for requests, timers and
 * other streams. Streams that wait continue side by side in the next turn.
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
  if (waiting.length === 0) return;
  startedAt = performance.now();
  setImmediate(nextTurn);
  // Each gets at least one piece done in each turn, however many there are.
  for (const next of waiting.splice(0)) next();
}
