import type { UsageUpkeepRepository } from './usage-upkeep.repository.js';

/** A batch of this size takes some tenths of a second. Changes and deletions of its rows wait that long. */
const BATCH = 5_000;

export interface PurgeOptions {
  batch?: number;
  /** Ends the purge after the running batch. What is already purged stays purged. */
  signal?: AbortSignal;
  onBatch?: (purged: number) => void;
}

/**
 * Removes the rows of finished calls before a given time, batch by batch, and keeps their sums in the archive. It can
 * be interrupted at any time and run again. Rows that are being changed are skipped.
 *
 * @returns the number of removed rows
 */
export async function purgeUsage(
  repository: UsageUpkeepRepository,
  before: Date,
  { batch = BATCH, signal, onBatch }: PurgeOptions = {},
): Promise<number> {
  let total = 0;
  let after: Date | '-infinity' = '-infinity';
  while (!signal?.aborted) {
    const { purged, reached }: { purged: number; reached: Date | null } = await repository.purgeBefore(
      before,
      after,
      batch,
    );
    total += purged;
    // Nothing is left, or only rows of a user who is being deleted.
    if (reached === null || (purged === 0 && Number(reached) === Number(after))) break;
    after = reached;
    onBatch?.(total);
  }
  return total;
}
