/** How long one statement of a transaction may wait for a lock, and how long it may run, in milliseconds. */
export interface TimeLimits {
  lock: number;
  statement: number;
}

/** A user waits for the response, and only for locks of their own rows, so a few seconds are enough. */
export const USER_LIMITS: TimeLimits = { lock: 3_000, statement: 10_000 };
/** Reports read many rows and do not wait for locks. */
export const REPORT_LIMITS: TimeLimits = { lock: 3_000, statement: 30_000 };
/** Work of the service skips locked rows, so waiting indicates a problem. */
export const SERVICE_LIMITS: TimeLimits = { lock: 3_000, statement: 30_000 };

/** How long a statement waits for a lock while more than half of all connections are in use. */
const BUSY_LOCK = 1_000;

/**
 * Statements that wait for locks keep their connections. If these were all, everybody else would wait, too. While many
 * connections are in use, a statement waits for a lock only for a short time.
 */
export function withLoad(limits: TimeLimits, inUse: number, poolSize: number): TimeLimits {
  return inUse * 2 > poolSize ? { ...limits, lock: Math.min(limits.lock, BUSY_LOCK) } : limits;
}

/** Longer than the pool lets a request wait. A user who waits for their own share does not block other users. */
const SHARE_PATIENCE = 15_000;

/**
 * The limits that {@link Database} applies to each kind of work. `patience` is how long a user waits for a connection
 * of their share.
 */
export const DATABASE_LIMITS = {
  user: USER_LIMITS,
  report: REPORT_LIMITS,
  service: SERVICE_LIMITS,
  patience: SHARE_PATIENCE,
};

/**
 * The statement that opens a transaction with its limits. They end with the transaction, so a pooler can reuse the
 * connection afterwards.
 */
export function beginWithin({ lock, statement }: TimeLimits, mode: '' | 'READ ONLY' = ''): string {
  return `BEGIN ${mode}; SET LOCAL lock_timeout = ${lock}; SET LOCAL statement_timeout = ${statement}`;
}

/**
 * The same for statements that look up a few rows by key, whatever the parameters are. Planning them again for each set
 * of parameters would cost more than running them. They always use their indexes: a plan that was made while a table was
 * nearly empty would read all of it until PostgreSQL has counted its rows again. Compiling such a plan costs more than
 * running it, and older versions would compile a plan that cannot avoid a scan.
 */
export function beginByKey(limits: TimeLimits): string {
  return `${beginWithin(limits)}; SET LOCAL plan_cache_mode = force_generic_plan; SET LOCAL enable_seqscan = off; SET LOCAL jit = off`;
}

/**
 * How long PostgreSQL may be silent before its connection is given up, in milliseconds. A host that has vanished ends no
 * connection, and the operating system would wait for a quarter of an hour. In the pool, it is longer than any statement
 * may run.
 */
export const SILENCE_LIMIT = { pool: 65_000, listening: 15_000 };
