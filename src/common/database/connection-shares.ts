import { unavailable } from '../errors/app-error.js';

const LARGEST_SHARE = 10;

interface Share {
  taken: number;
  /** In order of arrival. */
  waiting: Set<() => void>;
}

/**
 * Limits each user to a share of the connection pool. Whatever a user's statements wait for, connections for other
 * users stay free.
 */
export class ConnectionShares {
  private readonly shares = new Map<string, Share>();

  /**
   * @param size the number of connections that one user may hold at the same time
   * @param patience the number of milliseconds that a user waits for a connection
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
   * Runs `work`, which uses one connection, as soon as the user may have one more.
   *
   * @throws AppError 503 if the user's other statements take too long
   */
  async within<T>(userId: string, work: () => Promise<T>): Promise<T> {
    await this.acquire(userId);
    try {
      return await work();
    } finally {
      this.release(userId);
    }
  }

  private acquire(userId: string): Promise<void> | undefined {
    let share = this.shares.get(userId);
    if (!share) this.shares.set(userId, (share = { taken: 0, waiting: new Set() }));
    if (share.taken >= this.size) return this.enqueue(share);
    share.taken++;
    return undefined;
  }

  private enqueue({ waiting }: Share): Promise<void> {
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

  private release(userId: string): void {
    const share = this.shares.get(userId);
    if (!share) return;
    const [next] = share.waiting;
    if (next) {
      // The slot passes to the next request, so the number of used slots stays the same.
      share.waiting.delete(next);
      next();
    } else if (--share.taken === 0) this.shares.delete(userId);
  }
}
