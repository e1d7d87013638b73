import { write, writeSync } from 'node:fs';
import type { DestinationStream } from 'pino';

/** What waits to be written, in characters. Further lines are dropped. */
const MOST_WAITING = 8 * 1024 ** 2;
/** How long the process may wait at its end for a reader of its log, in milliseconds. */
const PATIENCE_AT_EXIT = 1_000;
const PAUSE = 10;

/**
 * Writes log lines to a file descriptor without blocking: one write at a time, which joins what has arrived meanwhile.
 *
 * A log that cannot be written (its disk is full, its reader has gone) loses lines, and harms nothing else. Pino's own
 * destination would end the process at the first error, and then wait forever for room on the disk.
 */
export class LogOutput implements DestinationStream {
  private lines: string[] = [];
  private waiting = 0;
  private rest?: Buffer;
  private isWriting = false;
  private isFailing = false;

  constructor(private readonly descriptor: number) {
    process.once('exit', () => this.writeAtExit());
  }

  write(line: string): void {
    if (this.waiting > MOST_WAITING) return;
    this.lines.push(line);
    this.waiting += line.length;
    if (!this.isWriting) this.writeNext();
  }

  private writeNext(): void {
    const next = this.take();
    if (next.length === 0) return;
    this.isWriting = true;
    write(this.descriptor, next, (error, written) => {
      if (error && isBusy(error)) {
        this.rest = next;
        return void setTimeout(() => this.goOn(), PAUSE).unref();
      }
      if (error && !this.isFailing)
        process.stderr.write(`switchboard: the log cannot be written: ${error.message}\n`);
      this.isFailing = error !== null;
      if (written < next.length && !error) this.rest = next.subarray(written);
      this.goOn();
    });
  }

  private goOn(): void {
    this.isWriting = false;
    this.writeNext();
  }

  private take(): Buffer {
    const text = this.rest ?? Buffer.from(this.lines.join(''));
    if (!this.rest) {
      this.lines = [];
      this.waiting = 0;
    }
    this.rest = undefined;
    return text;
  }

  private writeAtExit(): void {
    const deadline = performance.now() + PATIENCE_AT_EXIT;
    for (let next = this.take(); next.length > 0; next = this.take()) {
      try {
        const written = writeSync(this.descriptor, next);
        if (written < next.length) this.rest = next.subarray(written);
      } catch (error) {
        if (!isBusy(error) || performance.now() > deadline) return;
        this.rest = next;
        Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, PAUSE);
      }
    }
  }
}

/** The reader of a pipe is slow. */
function isBusy(error: unknown): boolean {
  const { code } = error as NodeJS.ErrnoException;
  return code === 'EAGAIN' || code === 'EBUSY';
}
