/** Few enough that a busy machine does not take longer for one case than the case itself waits. */
const AT_ONCE = 6;

/**
 * Creates one test per case, as `it.each` does, and runs the checks concurrently before the first test reports. For
 * cases that mostly wait. Each case must use its own chats, questions and rows.
 */
export function eachSideBySide<Case extends unknown[]>(
  name: string,
  cases: Case[],
  check: (...values: Case) => Promise<void>,
  atOnce = AT_ONCE,
): void {
  describe('side by side', () => {
    const outcomes: Array<PromiseSettledResult<void> | undefined> = [];

    beforeAll(async () => {
      const queue = cases.map((values, index) => ({ values, index }));
      const work = async () => {
        for (let next = queue.shift(); next; next = queue.shift()) {
          const [outcome] = await Promise.allSettled([check(...next.values)]);
          outcomes[next.index] = outcome;
        }
      };
      await Promise.all(Array.from({ length: atOnce }, work));
    });

    it.each(cases.map((values, index) => [...values, index]))(name, async (...values: unknown[]) => {
      const index = values.at(-1) as number;
      const outcome = outcomes[index];
      outcomes[index] = undefined;
      if (outcome?.status === 'rejected') throw outcome.reason;
      // It failed, and runs again.
      if (!outcome) await check(...cases[index]!);
    });
  });
}
