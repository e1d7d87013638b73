import type { ThrottlerStorage } from '@nestjs/throttler';
import type { Redis } from '../redis/redis.js';

/** Counts, and lets the window end a while after its first hit. Both happen at once, so no counter stays forever. */
const COUNT = `
  local hits = redis.call('INCR', KEYS[1])
  if hits == 1 then redis.call('PEXPIRE', KEYS[1], ARGV[1]) end
  return { hits, redis.call('PTTL', KEYS[1]) }`;

const PREFIX = 'switchboard:requests:';

/** One count of requests for all instances, in Redis. While Redis is away, each instance counts for itself. */
export class SharedThrottlerStorage implements ThrottlerStorage {
  constructor(
    private readonly redis: Redis,
    private readonly own: ThrottlerStorage,
  ) {}

  async increment(
    key: string,
    ttl: number,
    limit: number,
    blockDuration: number,
    name: string,
  ): ReturnType<ThrottlerStorage['increment']> {
    const counted = await this.redis.ask((client) =>
      client.eval(COUNT, { keys: [PREFIX + key], arguments: [String(ttl)] }),
    );
    if (counted === undefined) return this.own.increment(key, ttl, limit, blockDuration, name);
    const [totalHits, left] = counted as unknown as [hits: number, milliseconds: number];
    const timeToExpire = Math.ceil(Math.max(0, left) / 1000);
    const isBlocked = totalHits > limit;
    return { totalHits, timeToExpire, isBlocked, timeToBlockExpire: isBlocked ? timeToExpire : 0 };
  }
}
