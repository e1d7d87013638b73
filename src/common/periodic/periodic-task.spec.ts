import { Logger } from '@nestjs/common';
import { metricsRegistry } from '../observability/metrics.js';
import { type PeriodicPlan, PeriodicTask } from './periodic-task.js';

describe('PeriodicTask', () => {
  const tasks: PeriodicTask[] = [];
  let warn: jest.SpiedFunction<Logger['warn']>;

  beforeEach(() => {
    warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    jest.useFakeTimers();
  });

  afterEach(async () => {
    const stopped = Promise.all(tasks.splice(0).map((task) => task.stop()));
    await jest.runAllTimersAsync();
    await stopped;
    jest.useRealTimers();
    jest.restoreAllMocks();
  });

  function taskOf(work: PeriodicPlan['work'], name = 'test'): PeriodicTask {
    const task = new PeriodicTask({ name, interval: 1_000, failure: 'It failed.', work });
    tasks.push(task);
    return task;
  }

  /** The number of runs of a task in the metrics. */
  async function counted(task: string, outcome: string): Promise<number> {
    const metric = metricsRegistry.getSingleMetric('switchboard_periodic_run_duration_seconds');
    const { values = [] } = (await metric?.get()) ?? {};
    const count = values.find(
      (value) =>
        (value as { metricName?: string }).metricName?.endsWith('_count') &&
        value.labels['task'] === task &&
        value.labels['outcome'] === outcome,
    );
    return count?.value ?? 0;
  }

  it('waits between 90% and 100% of the interval after each run', async () => {
    const waits: number[] = [];
    let before = Date.now();
    const task = taskOf(async () => {
      waits.push(Date.now() - before);
      await new Promise((resolve) => setTimeout(resolve, 3_000));
      before = Date.now();
    });
    task.start();
    await jest.advanceTimersByTimeAsync(81_000);
    expect(waits.length).toBeGreaterThanOrEqual(20);
    expect(Math.min(...waits)).toBeGreaterThanOrEqual(900);
    expect(Math.max(...waits)).toBeLessThanOrEqual(1_001);
    expect(new Set(waits).size).toBeGreaterThan(1);
  });

  it('has one run at a time, however many callers there are', async () => {
    const held = Promise.withResolvers<void>();
    const work = jest.fn(() => held.promise);
    const task = taskOf(work);
    task.start();
    await jest.advanceTimersByTimeAsync(1_000);
    const joined = task.run();
    await jest.advanceTimersByTimeAsync(10_000);
    expect(work).toHaveBeenCalledTimes(1);
    held.resolve();
    await joined;
    await task.run();
    expect(work).toHaveBeenCalledTimes(2);
  });

  it('continues after failures, logs the first one, and counts all', async () => {
    let isBroken = true;
    const work = jest.fn(() => (isBroken ? Promise.reject(new Error('away')) : Promise.resolve()));
    const task = taskOf(work, 'fails');
    task.start();
    await jest.advanceTimersByTimeAsync(3_100);
    const failures = work.mock.calls.length;
    expect(failures).toBeGreaterThanOrEqual(3);
    expect(warn).toHaveBeenCalledTimes(1);
    expect(warn).toHaveBeenCalledWith(expect.objectContaining({ task: 'fails' }), 'It failed.');
    isBroken = false;
    await task.run();
    isBroken = true;
    await task.run();
    expect(warn).toHaveBeenCalledTimes(2);
    expect(await counted('fails', 'failure')).toBe(failures + 1);
    expect(await counted('fails', 'success')).toBe(1);
  });

  it('survives work that throws synchronously', async () => {
    const task = taskOf(() => {
      throw new Error('at once');
    });
    await expect(task.run()).resolves.toBeUndefined();
    expect(warn).toHaveBeenCalledTimes(1);
  });

  it('stops: it signals the run in progress, waits for it, and starts no other', async () => {
    const held = Promise.withResolvers<void>();
    const signals: AbortSignal[] = [];
    const task = taskOf((signal) => {
      signals.push(signal);
      return held.promise;
    });
    task.start();
    await jest.advanceTimersByTimeAsync(1_000);
    let hasEnded = false;
    const ended = task.stop().then(() => (hasEnded = true));
    await jest.advanceTimersByTimeAsync(100);
    expect([signals.length, signals[0]?.aborted, hasEnded]).toEqual([1, true, false]);
    held.resolve();
    await ended;
    task.start();
    await task.run();
    await jest.advanceTimersByTimeAsync(10_000);
    expect(signals).toHaveLength(1);
  });
});
