import { Deadline, noteSignOfLife } from './deadline.js';
import { UpstreamTimeoutError } from './upstream-failure.js';

const PATIENCE = 60_000;
const HOUR = 3_600_000;

describe('signs of life', () => {
  let deadline: Deadline;

  beforeEach(() => {
    jest.useFakeTimers();
    deadline = new Deadline(undefined, PATIENCE);
  });

  afterEach(() => {
    deadline.clear();
    jest.useRealTimers();
  });

  /** @returns after how many milliseconds the call was given up, or undefined */
  function live(isAnswering: boolean): number | undefined {
    for (let passed = 0; passed < HOUR; passed += PATIENCE / 2) {
      if (deadline.signal.aborted) return passed;
      noteSignOfLife(deadline.signal);
      if (isAnswering) deadline.progress();
      jest.advanceTimersByTime(PATIENCE / 2);
    }
    return undefined;
  }

  it('keep a call alive for half an hour, if no part of an answer comes', () => {
    expect(live(false)).toBeCloseTo(HOUR / 2, -5);
    expect(deadline.signal.reason).toBeInstanceOf(UpstreamTimeoutError);
  });

  it('keep a call alive that answers', () => {
    expect(live(true)).toBeUndefined();
  });

  it('do not replace each other: silence ends a call', () => {
    jest.advanceTimersByTime(PATIENCE + 1);
    expect(deadline.signal.reason).toBeInstanceOf(UpstreamTimeoutError);
  });
});
