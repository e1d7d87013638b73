/** How long one statement of a transaction may wait for a lock, and how long it may take, in milliseconds. */
export interface TimeLimits {
  lock: number;
  statement: number;
}

/** A user waits for an answer, and for nothing but locks of their own: seconds are enough. */
export const USER_LIMITS: TimeLimits = { lock: 3_000, statement: 10_000 };
/** Reports read many rows, and wait for none of them. */
export const REPORT_LIMITS: TimeLimits = { lock: 3_000, statement: 30_000 };
/** What the service does by itself leaves out what is locked, so a wait is a sign of trouble. */
export const SERVICE_LIMITS: TimeLimits = { lock: 3_000, statement: 30_000 };

/** Longer than the pool lets anybody wait: a user who waits for their own share keeps nothing from others. */
const SHARE_PATIENCE = 15_000;

/** What {@link Database} gives each kind of work; `patience` is how long a user waits for a connection of their share. */
export const DATABASE_LIMITS = {
  user: USER_LIMITS,
  report: REPORT_LIMITS,
  service: SERVICE_LIMITS,
  patience: SHARE_PATIENCE,
};

/**
 * The statement that opens a transaction with its limits. They end with the transaction, so a pooler may hand the
 * connection to anybody afterwards.
 */
export function beginWithin({ lock, statement }: TimeLimits, mode: '' | 'READ ONLY' = ''): string {
  return `BEGIN ${mode}; SET LOCAL lock_timeout = ${lock}; SET LOCAL statement_timeout = ${statement}`;
}
