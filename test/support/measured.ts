/**
 * For files with tests that measure time or memory of the process: a machine that stalls for a second is not a defect.
 * A failed test runs once more, and its first failure is printed. In all other files, tests run once.
 */
export function retryOnce(): void {
  jest.retryTimes(1, { logErrorsBeforeRetry: true });
}
