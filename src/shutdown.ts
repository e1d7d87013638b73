import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { within } from './common/periodic/within.js';
import type { EmbeddedStack } from './embedded/embedded-stack.js';

/** With npm, Ctrl-C reaches the server twice: from the terminal, and passed on by npm. */
const SAME_SIGNAL = 1_000;
/**
 * Milliseconds after the deadline for answers. Until then, answers are stored and slow readers read. Whatever is still
 * waiting then, for example for a database that does not respond, is cut off. Kubernetes kills after 30 seconds.
 */
export const GRACE = 4_500;

/**
 * Ends the process after a signal, or when the embedded PostgreSQL is lost. The first signal shuts the server down
 * gracefully. A later signal ends it immediately.
 */
export function stopWhenNeeded(
  app: NestFastifyApplication,
  { deadline, stack }: { deadline: number; stack?: EmbeddedStack },
): void {
  let stoppingSince: number | undefined;
  const stop = async (reason: string, code: number, patience = deadline) => {
    stoppingSince = performance.now();
    try {
      const closed = app.close().then(() => true);
      if (!(await within(patience + GRACE, closed, () => false))) {
        report(`the shutdown after ${reason} took too long and was cut off`);
        code = 1;
      }
      await stack?.stop();
    } catch (error) {
      report(`shutdown after ${reason} failed: ${describe(error)}`);
      code = 1;
    }
    process.exit(code);
  };
  const onSignal = (signal: NodeJS.Signals) => {
    if (stoppingSince === undefined) void stop(signal, 0);
    else if (performance.now() - stoppingSince >= SAME_SIGNAL) process.exit(130);
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  // The terminal was closed. Running answers are stored then, too.
  process.on('SIGHUP', onSignal);
  stack?.lost.catch((error: Error) => {
    report(error.message);
    // Nothing can be stored any more, so running answers get no time.
    if (stoppingSince === undefined) void stop('the loss of PostgreSQL', 1, 0);
  });
}

function report(line: string): void {
  process.stderr.write(`switchboard: ${line}\n`);
}

export function describe(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}
