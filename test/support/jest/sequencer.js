import { readFileSync } from 'node:fs';
import TestSequencer from '@jest/test-sequencer';

/** Helpers of files that start programs, or measure time: these take several times as long as others. */
const LONG_WORK =
  /from '[^']*\/support\/(?:browser|chat-servers|embedded-server|files-server|measured|nginx|own-postgres|pgbouncer|redis|server-process|web-walk)\.js'/;
/** Seconds, as measured, of such files and of all others. */
const LONG = 14;
const SHORT = 3;
/** From here on, a file is a long one. */
const LIMIT = 8;
/** All long files begin within this share of the run, so that none runs alone at the end. */
const SHARE = 0.85;

/**
 * Spreads the long files over the run. One after the other, they would take turns with nothing but each other: those
 * that wait leave the processors idle, and those that measure time disturb each other. What failed last time is first.
 */
export default class SpreadSequencer extends TestSequencer {
  sort(tests) {
    // The base class reads the durations of the last run, if Jest has kept them.
    const sorted = super.sort(tests);
    const failed = sorted.filter((test) => this.hasFailed(test));
    const others = sorted.filter((test) => !this.hasFailed(test));
    return [...failed, ...spread(others, secondsOf)];
  }
}

/**
 * @template Test
 * @param {Test[]} tests
 * @param {(test: Test) => number} seconds
 * @returns {Test[]}
 */
export function spread(tests, seconds) {
  const timed = tests.map((test) => ({ test, time: seconds(test) })).sort((a, b) => b.time - a.time);
  const long = timed.filter(({ time }) => time >= LIMIT);
  const short = timed.filter(({ time }) => time < LIMIT);
  const [longTotal, shortTotal] = [long, short].map((files) =>
    files.reduce((sum, { time }) => sum + time, 0),
  );
  // The time of short files until all long ones have begun.
  const between = Math.max(0, SHARE * (longTotal + shortTotal) - longTotal);
  const order = [];
  let [longDone, shortDone] = [0, 0];
  while (long.length + short.length > 0) {
    const isLongNext = short.length === 0 || (long.length > 0 && longDone * between <= shortDone * longTotal);
    const { test, time } = (isLongNext ? long : short).shift();
    if (isLongNext) longDone += time;
    else shortDone += time;
    order.push(test);
  }
  return order;
}

function secondsOf({ path, duration }) {
  if (duration !== undefined) return duration / 1_000;
  return LONG_WORK.test(readFileSync(path, 'utf8')) ? LONG : SHORT;
}
