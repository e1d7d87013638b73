import { killAll } from './processes.js';

/** Logs the current step, with the seconds since the start. */
export type Log = (line: string) => void;

/** Runs measurements and stops everything they started, also after a failure. Then the process exits. */
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
      // Work in progress fails because its servers are stopped. These failures are expected.
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
  // A failed measurement may have left a connection open.
  process.exit();
}
