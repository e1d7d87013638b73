export interface LoopResult {
  /** Completed items per second. */
  rate: number;
  /** The value that each run returned. */
  values: number[];
}

/**
 * Repeats `work` on several connections for a while. Each connection starts the next run when the previous one has
 * ended.
 *
 * @param work does one run on the connection with this number, and returns a figure
 */
export async function closedLoop(
  connections: number,
  seconds: number,
  work: (connection: number) => Promise<number>,
): Promise<LoopResult> {
  const startedAt = performance.now();
  const endsAt = startedAt + seconds * 1000;
  const values: number[] = [];
  const rates = await Promise.all(
    Array.from({ length: connections }, async (_, connection) => {
      let done = 0;
      while (performance.now() < endsAt) {
        values.push(await work(connection));
        done++;
      }
      // Each connection uses its own time: a run that is in progress at the end is completed, and its time counts.
      return (done * 1000) / (performance.now() - startedAt);
    }),
  );
  return { rate: rates.reduce((sum, rate) => sum + rate, 0), values };
}
