/** The actions that are limited separately: sign-in, sign-up, refresh, sending mail, and verifying codes. */
export type LoginAction = 'signIn' | 'refresh' | 'mail' | 'verify';

/** Failed attempts that are allowed at once, and again within each window. */
interface Allowance {
  address: number;
  account: number;
}

/** Supabase Auth's limits per address. An account has twice as many for actions where its owner could be locked out. */
const ALLOWANCES: Record<LoginAction, Allowance> = {
  signIn: { address: 30, account: 60 },
  refresh: { address: 150, account: 150 },
  mail: { address: 30, account: 10 },
  verify: { address: 30, account: 10 },
};

/** The sign-in limit that {@link ALLOWANCES} refers to as 100%. */
const USUAL_LIMIT = 30;

const WINDOW = 5 * 60_000;

/** A success counts as this fraction of a failure, because users who know their password may use it often. */
const SUCCESS_WEIGHT = 0.1;

/** Maximum number of addresses and accounts in memory. The ones that were idle longest are removed first. */
const MAX_BUCKETS = 20_000;

interface Bucket {
  used: number;
  at: number;
}

/** An admitted attempt. Mail is sent whether or not it succeeds, so mail always counts fully. */
export interface Attempt {
  succeeded(): void;
}

/** The attempt must wait this many seconds. */
export interface Refusal {
  retryAfter: number;
}

/**
 * Limits attempts by address and by account. Each attempt counts as a failure from its start, so that concurrent
 * attempts cannot exceed the limit. Most of it is given back after a success.
 */
export class LoginThrottle {
  private readonly buckets = new Map<string, Bucket>();
  private readonly scale: number;

  /**
   * @param limit failed sign-ins per address within five minutes; 0 for no limit. The other limits are derived from it.
   */
  constructor(
    limit: number,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.scale = limit / USUAL_LIMIT;
  }

  take(action: LoginAction, by: keyof Allowance, name: string): Attempt | Refusal {
    if (this.scale === 0) return { succeeded: () => undefined };
    const capacity = Math.max(1, ALLOWANCES[action][by] * this.scale);
    const key = `${action} ${by} ${by === 'address' ? networkOf(name) : name.toLowerCase().slice(0, 320)}`;
    const bucket = this.current(key, capacity);
    if (bucket.used > capacity - 1) {
      const wait = ((bucket.used - (capacity - 1)) / capacity) * WINDOW;
      return { retryAfter: Math.max(1, Math.ceil(wait / 1_000)) };
    }
    bucket.used += 1;
    return {
      succeeded: () => {
        if (action !== 'mail') bucket.used = Math.max(0, bucket.used - (1 - SUCCESS_WEIGHT));
      },
    };
  }

  private current(key: string, capacity: number): Bucket {
    const now = this.now();
    const known = this.buckets.get(key);
    const used = known ? Math.max(0, known.used - ((now - known.at) / WINDOW) * capacity) : 0;
    const bucket = known ?? { used, at: now };
    bucket.used = used;
    bucket.at = now;
    // The map is in order of use.
    this.buckets.delete(key);
    this.buckets.set(key, bucket);
    if (this.buckets.size > MAX_BUCKETS) this.buckets.delete(this.buckets.keys().next().value as string);
    return bucket;
  }
}

/** Addresses that one caller can easily have: the whole loopback network, and one IPv6 network. */
function networkOf(address: string): string {
  const plain = address.replace(/^::ffff:/i, '');
  if (plain.startsWith('127.') || plain === '::1') return 'loopback';
  if (!plain.includes(':')) return plain;
  const [head = '', tail] = plain.split('::');
  const groups = head.split(':');
  if (tail !== undefined) {
    const rest = tail === '' ? [] : tail.split(':');
    while (groups.length + rest.length < 8) groups.push('0');
  }
  return groups.slice(0, 4).join(':');
}
