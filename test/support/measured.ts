/**
 * For files with tests that measure time or memory of the process: a machine that stalls for a second is not a defect.
 * A failed test runs once more, and its first failure is printed. In all other files, tests run once.
 */
export function retryOnce(): void {
  jest.retryTimes(1, { logErrorsBeforeRetry: true });
}

/** Milliseconds of processor time that the process needs for `work`. Unlike the time that passes, other programs hardly change it. */
export function processorTime(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}
