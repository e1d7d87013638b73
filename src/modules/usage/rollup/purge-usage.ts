import type { UsageUpkeepRepository } from './usage-upkeep.repository.js';

/** Takes some tenths of a second: as long as that, whoever changes or deletes one of these rows waits. */
const BATCH = 5_000;

export interface PurgeOptions {
  batch?: number;
  /** Ends the purge after the batch that is under way; what is purged is purged. */
  signal?: AbortSignal;
  onBatch?: (purged: number) => void;
}

/**
 * Removes the rows of finished calls before a moment, batch by batch, and keeps their sums in the archive. It can be
 * interrupted at any time and run again. Rows that somebody is changing are left out.
 *
 * @returns how many rows it has removed
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
    // Nothing is left, or nothing but rows of a user who is being deleted.
    if (reached === null || (purged === 0 && Number(reached) === Number(after))) break;
    after = reached;
    onBatch?.(total);
  }
  return total;
}
