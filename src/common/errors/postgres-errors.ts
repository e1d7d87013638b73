import {
  type AppError,
  conflict,
  forbidden,
  invalidField,
  notFound,
  payloadTooLarge,
  unavailable,
} from './app-error.js';

/** Class 08 and these codes mean that the server is unavailable or shutting down, not that the statement is wrong. */
const UNAVAILABLE = new Set([
  '57P01',
  '57P02',
  '57P03',
  '57P04',
  '57P05',
  '53000',
  '53200',
  '53300',
  '53400',
  // A transaction that waited or ran longer than the server allows: the connection is gone.
  '25P03',
  '25P04',
  // PostgreSQL could not read or write a file.
  '58000',
  '58030',
  '58P01',
  // A new connection is refused: an operator has changed the password, the rules of access or the name of the database.
  '28000',
  '28P01',
  '3D000',
  // Read-only: a replica that is about to become the primary, or a disk that an operator is cleaning up.
  '25006',
  'ECONNABORTED',
  'ECONNREFUSED',
  'ECONNRESET',
  'EAI_AGAIN',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENETDOWN',
  'ENETUNREACH',
  'ENOTFOUND',
  'EPIPE',
  'ETIMEDOUT',
]);

/** Serialization failures and deadlocks. */
const CONFLICTS = new Set(['40001', '40P01']);

/** No connection of the pool became free in time. */
const POOL_TIMEOUT = /timeout exceeded when trying to connect/i;
const UNAVAILABLE_MESSAGE =
  /Connection terminated|timeout exceeded when trying to connect|not queryable|connection error|Query read timeout|not currently accepting connections/i;

/** Columns for client input of any size. Their constraints limit size and depth. */
const TOO_LARGE = /_(parts|attachments|content|originalText|suggestedText)_check$/;
/** True if the database or the connection to it is unavailable: any statement would fail. */
export function isDatabaseAway(error: unknown): boolean {
  const code = postgresCode(error);
  if (code !== undefined && (UNAVAILABLE.has(code) || code.startsWith('08'))) return true;
  return error instanceof Error && UNAVAILABLE_MESSAGE.test(error.message);
}

/** The `code` of a PostgreSQL error, or of the underlying socket error, also if TypeORM has wrapped it. */
export function postgresCode(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { code, driverError } = error as { code?: unknown; driverError?: unknown };
  return postgresCode(driverError) ?? (typeof code === 'string' ? code : undefined);
}

/** The name of the violated constraint, if the error has one. */
export function violatedConstraint(error: unknown): string | undefined {
  if (typeof error !== 'object' || error === null) return undefined;
  const { constraint, driverError } = error as { constraint?: unknown; driverError?: unknown };
  return typeof constraint === 'string' ? constraint : violatedConstraint(driverError);
}

/** The only place that maps database errors to client errors. Returns undefined for errors without a mapping. */
export function mapPostgresError(error: unknown): AppError | undefined {
  const code = postgresCode(error);
  switch (code) {
    case '23505':
      return conflict('A resource with this id already exists.');
    case '23503':
      return notFound('A referenced resource');
    case '42501':
      return forbidden(undefined, error);
    case '23514':
      return TOO_LARGE.test(violatedConstraint(error) ?? '')
        ? payloadTooLarge()
        : invalidField('', 'a value is outside of the allowed range');
    case '22P02':
    case '22P05':
    case '22021':
      return invalidField('', 'a value cannot be stored as text');
    case '57014':
    case '25P02': // An earlier statement of the transaction has failed, and its error is known elsewhere.
      return unavailable('The database took too long to respond.', 5, error);
    case '55P03':
    case '40001':
    case '40P01':
      return unavailable('Another request is changing the same data. Try again.', 2, error);
    case '53100':
      return unavailable('The database is out of disk space.', 60, error);
  }
  if (error instanceof Error && POOL_TIMEOUT.test(error.message)) {
    return unavailable('The server is too busy. Try again.', 2, error);
  }
  return isDatabaseAway(error) ? unavailable('The database is unavailable.', 2, error) : undefined;
}

/** Whether the failure passes: the database is away, has no room, or another transaction was in the way. */
export function isPassing(error: unknown): boolean {
  return mapPostgresError(error)?.status === 503;
}

/** Whether the same statement can succeed when it is run again. */
export function mayRunAgain(error: unknown): boolean {
  return CONFLICTS.has(postgresCode(error) ?? '');
}
