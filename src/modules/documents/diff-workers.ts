import { extname } from 'node:path';
import { Injectable, Logger, type OnApplicationShutdown } from '@nestjs/common';
import type { Piscina } from 'piscina';
import { payloadTooLarge, rateLimited, unavailable } from '../../common/errors/app-error.js';
import type { DiffSide } from './document-diff.js';

/** The worker's file is in this folder: JavaScript in the build, and TypeScript (which Node.js can run) in tests. */
const FILE = new URL(`./document-diff${extname(new URL(import.meta.url).pathname)}`, import.meta.url).href;

/** Time limit of one comparison, in milliseconds. */
const TIME_LIMIT = 10_000;
/** The thread ends after being idle for this long. */
const IDLE_TIME = 60_000;
const MAX_QUEUE = 32;
const MAX_OF_USER = 3;

const TOO_LARGE =
  'The difference between these versions is too large. Read both versions and compare them yourself.';

/**
 * Compares texts in a worker thread, because it can take seconds and must not block other requests. The thread starts
 * with the first comparison.
 */
@Injectable()
export class DiffWorkers implements OnApplicationShutdown {
  private readonly logger = new Logger(DiffWorkers.name);
  private readonly running = new Map<string, number>();
  private pool?: Promise<Piscina>;

  /**
   * The difference as JSON for the API.
   *
   * @throws AppError 413 if it is too large or takes too long, 429 if other comparisons of the user are running, 503 if
   * many users have comparisons running
   */
  async compare(userId: string, sides: { from: DiffSide; to: DiffSide }): Promise<Buffer> {
    const running = this.running.get(userId) ?? 0;
    if (running >= MAX_OF_USER) throw rateLimited('Your other comparisons are still running.', 1);
    this.running.set(userId, running + 1);
    try {
      const bytes = await this.run(sides);
      if (bytes === undefined) throw payloadTooLarge(TOO_LARGE);
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    } finally {
      const left = (this.running.get(userId) ?? 1) - 1;
      if (left > 0) this.running.set(userId, left);
      else this.running.delete(userId);
    }
  }

  async onApplicationShutdown(): Promise<void> {
    const pool = await this.pool;
    await pool?.destroy();
  }

  private async run(sides: { from: DiffSide; to: DiffSide }): Promise<Uint8Array | undefined> {
    this.pool ??= createPool();
    const pool = await this.pool;
    if (pool.queueSize >= MAX_QUEUE) throw unavailable('Too many comparisons are running. Try again.', 2);
    const signal = AbortSignal.timeout(TIME_LIMIT);
    try {
      return (await pool.run(sides, { name: 'writeDifference', signal })) as Uint8Array | undefined;
    } catch (error) {
      // The thread was ended by the time limit, or because it ran out of memory.
      const isOutOfMemory = (error as { code?: unknown }).code === 'ERR_WORKER_OUT_OF_MEMORY';
      if (!signal.aborted && !isOutOfMemory) throw error;
      this.logger.warn({ isOutOfMemory }, 'A comparison of two versions was aborted.');
      throw payloadTooLarge(TOO_LARGE);
    }
  }
}

async function createPool(): Promise<Piscina> {
  const { Piscina: Pool } = await import('piscina');
  return new Pool({
    filename: FILE,
    minThreads: 0,
    maxThreads: 1,
    idleTimeout: IDLE_TIME,
    maxQueue: MAX_QUEUE,
    // The worker does not need the secrets of this process.
    env: {},
    resourceLimits: { maxOldGenerationSizeMb: 512 },
  });
}
