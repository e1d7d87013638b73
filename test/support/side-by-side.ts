/** Few enough that a busy machine does not take longer for one case than the case itself waits. */
const AT_ONCE = 6;

/**
 * One test for each case, as `it.each` makes them, with the checks run side by side before the first test reports. For
 * cases that mostly wait; each must use chats, questions and rows of its own.
 */
export function eachSideBySide<Case extends unknown[]>(
  name: string,
  cases: Case[],
  check: (...values: Case) => Promise<void>,
): void {
  describe('side by side', () => {
    const outcomes: Array<PromiseSettledResult<void>> = [];

    beforeAll(async () => {
      const queue = cases.map((values, index) => ({ values, index }));
      const work = async () => {
        for (let next = queue.shift(); next; next = queue.shift()) {
          const [outcome] = await Promise.allSettled([check(...next.values)]);
          outcomes[next.index] = outcome;
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
    });

    it.each(cases.map((values, index) => [...values, index]))(name, (...values: unknown[]) => {
      const outcome = outcomes[values.at(-1) as number];
      if (outcome?.status !== 'fulfilled') throw outcome?.reason ?? new Error('The check did not run.');
    });
  });
}
