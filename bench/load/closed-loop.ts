export interface LoopResult {
  /** Things done per second. */
  rate: number;
  /** What each of them returned. */
  values: number[];
}

/**
 * Does something over and over on several connections for a while, each time as soon as the time before is over.
 *
 * @param work does it once for the connection of this number, and returns a figure
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
      // Each connection's own time: what is under way when the time is up counts whole, and so does what it took.
      return (done * 1000) / (performance.now() - startedAt);
    }),
  );
  return { rate: rates.reduce((sum, rate) => sum + rate, 0), values };
}
