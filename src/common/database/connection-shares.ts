import { unavailable } from '../errors/app-error.js';

const LARGEST_SHARE = 10;

interface Share {
  taken: number;
  /** In the order in which they came. */
  waiting: Set<() => void>;
}

/**
 * Lets each user have a part of the connection pool, never all of it: whatever a user's statements wait for, the
 * connections of the others stay free.
 */
export class ConnectionShares {
  private readonly shares = new Map<string, Share>();

  /**
   * @param size connections that one user may hold at the same time
   * @param patience milliseconds that a user waits for one of them
   */
  constructor(
    readonly size: number,
    private readonly patience: number,
  ) {}

  /** A quarter of the pool, but at least one connection and at most ten. */
  static ofPool(poolSize: number, patience: number): ConnectionShares {
    return new ConnectionShares(Math.max(1, Math.min(LARGEST_SHARE, Math.floor(poolSize / 4))), patience);
  }

  /**
   * Runs `work`, which uses one connection, when the user may have one more.
   *
   * @throws AppError 503 when the user's other statements take too long
   */
  async within<T>(userId: string, work: () => Promise<T>): Promise<T> {
    await this.take(userId);
    try {
      return await work();
    } finally {
      this.give(userId);
    }
  }

  private take(userId: string): Promise<void> | undefined {
    let share = this.shares.get(userId);
    if (!share) this.shares.set(userId, (share = { taken: 0, waiting: new Set() }));
    if (share.taken >= this.size) return this.wait(share);
    share.taken++;
    return undefined;
  }

  private wait({ waiting }: Share): Promise<void> {
    return new Promise((resolve, reject) => {
      const next = () => {
        clearTimeout(timer);
        resolve();
      };
      const timer = setTimeout(() => {
        waiting.delete(next);
        reject(unavailable('Your other requests are using the database. Try again when they have ended.', 2));
      }, this.patience);
      waiting.add(next);
    });
  }

  private give(userId: string): void {
    const share = this.shares.get(userId);
    if (!share) return;
    const [next] = share.waiting;
    if (next) {
      // The place passes on; the number of those that are taken stays.
      share.waiting.delete(next);
      next();
    } else if (--share.taken === 0) this.shares.delete(userId);
  }
}
