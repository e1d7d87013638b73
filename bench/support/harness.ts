import { killAll } from './processes.js';

/** Says what is being done, with the seconds since the beginning. */
export type Log = (line: string) => void;

/** Runs measurements, and leaves nothing running, however they end. The process ends with them. */
export async function runMeasurements(
  measure: (resources: AsyncDisposableStack, log: Log) => Promise<void>,
): Promise<void> {
  const begun = performance.now();
  const log: Log = (line) =>
    process.stderr.write(`${((performance.now() - begun) / 1000).toFixed(0).padStart(4)} s  ${line}\n`);
  const resources = new AsyncDisposableStack();
  let stopping = false;
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => {
      // What is under way fails with the servers it talks to; that is nobody's failure any more.
      process.on('unhandledRejection', () => undefined);
      killAll();
      if (!stopping) void resources.disposeAsync().finally(() => process.exit(130));
      stopping = true;
    });
  }
  try {
    await measure(resources, log);
  } catch (error) {
    if (stopping) return;
    console.error(error);
    process.exitCode = 1;
  }
  if (stopping) return;
  stopping = true;
  await resources.disposeAsync();
  // Whoever failed may have left a connection open.
  process.exit();
}
