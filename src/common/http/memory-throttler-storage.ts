import { Injectable } from '@nestjs/common';
import type { ThrottlerStorage } from '@nestjs/throttler';

/** About 20 MB of counters. Counting by address does not stop an attacker with more addresses than this anyway. */
const MAX_TRACKERS = 100_000;

interface Window {
  hits: number;
  endsAt: number;
}

/**
 * Fixed windows in memory: one counter per tracker. (The library's own storage keeps a timer for every hit.) Times are
 * monotonic, so a clock change neither blocks nor unblocks anyone.
 *
 * All windows have the same length, so the map, which keeps insertion order, is sorted by end time. Ended windows are
 * removed from the start of the map, so no request has to walk through all of them.
 */
@Injectable()
export class MemoryThrottlerStorage implements ThrottlerStorage {
  private readonly windows = new Map<string, Window>();

  constructor(private readonly maxTrackers = MAX_TRACKERS) {}

  /** The number of trackers in memory. */
  get size(): number {
    return this.windows.size;
  }

  increment(key: string, ttl: number, limit: number): ReturnType<ThrottlerStorage['increment']> {
    const now = performance.now();
    let window = this.windows.get(key);
    if (!window || window.endsAt <= now) {
      this.windows.delete(key);
      this.evict(now);
      window = { hits: 0, endsAt: now + ttl };
      this.windows.set(key, window);
    }
    window.hits++;
    const secondsLeft = Math.ceil((window.endsAt - now) / 1000);
    const isBlocked = window.hits > limit;
    return Promise.resolve({
      totalHits: window.hits,
      timeToExpire: secondsLeft,
      isBlocked,
      timeToBlockExpire: isBlocked ? secondsLeft : 0,
    });
  }

  /** Removes ended windows, and the oldest window if the map is full. */
  private evict(now: number): void {
    for (const [key, window] of this.windows) {
      if (window.endsAt > now && this.windows.size < this.maxTrackers) return;
      this.windows.delete(key);
    }
  }
}
