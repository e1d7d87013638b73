/** Codes of PostgreSQL, and what helps. `$` stands for the name of the variable. */
const CURES: Readonly<Record<string, string>> = {
  '28P01': 'The database refused the user name or the password of $',
  '28000': 'The database refused the user or the address that $ leads from',
  '3D000': 'The database that $ names does not exist',
  '53300': 'The database that $ leads to has no free connection',
  '57P03': 'The database that $ leads to is starting or stopping',
  ECONNREFUSED: 'Nothing listens where $ leads. Check its host and port, and that PostgreSQL runs',
  ENOTFOUND: 'The host in $ is unknown',
  EAI_AGAIN: 'The host in $ could not be looked up',
  ETIMEDOUT: 'Nothing answers where $ leads. Check its host and port, and firewalls',
  EHOSTUNREACH: 'The host in $ cannot be reached',
  ENETUNREACH: 'The host in $ cannot be reached. An address of IPv6 alone needs a pooler with IPv4',
  ECONNRESET: 'The connection that $ leads to was closed. Check that PostgreSQL listens there',
};

/** What the messages of the driver and of PostgreSQL tell without a code of their own. */
const CURES_BY_MESSAGE: ReadonlyArray<readonly [message: RegExp, cure: string]> = [
  [
    /no encryption|SSL (?:connection )?is required|sslmode=require|SSL\/TLS required|insecure connection/i,
    'The database requires TLS. Add ?sslmode=require&uselibpqcompat=true to $, or sslmode=verify-full',
  ],
  [/server does not support SSL/i, 'The database has no TLS. Remove sslmode from $, or set sslmode=disable'],
  [
    /certificate|self.signed|altnames/i,
    'The certificate of the database is not trusted. Add sslrootcert=<file> to $, or sslmode=no-verify on a network that you trust',
  ],
  // Supabase's pooler: the user name has to name the project.
  [
    /tenant or user not found/i,
    'The pooler does not know the user name of $. It needs the reference of the project: postgres.<ref>',
  ],
  [/client password must be a string/i, '$ has no password, and the database requires one'],
  [/timeout|timed out/i, 'Nothing answers where $ leads. Check its host and port, and firewalls'],
  [
    /Connection terminated/i,
    'The connection that $ leads to was closed. Check that PostgreSQL listens there',
  ],
];

/** A database that has just been started, or is about to be. */
const MAY_PASS = new Set(['57P03', 'ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'ECONNRESET']);

/**
 * A sentence that names the variable and the cure, and then what the other side said. Undefined if the error is not
 * about the connection.
 *
 * @param variable the name of the variable that has the URL
 */
export function describeConnectionFailure(error: unknown, variable: string): string | undefined {
  const { code, message } = causeOf(error);
  // Messages are more exact than codes: 28000 is also the answer to a connection without TLS.
  const isOfStatement = /^[0-9A-Z]{5}$/.test(code ?? '') && !/^(?:28|08|XX)/.test(code ?? '');
  const byMessage = isOfStatement ? undefined : CURES_BY_MESSAGE.find(([pattern]) => pattern.test(message));
  const byCode = CURES[code?.startsWith('08') ? 'ECONNRESET' : (code ?? '')];
  const cure = byMessage?.[1] ?? byCode;
  return cure && `${cure.replaceAll('$', variable)} (${message})`;
}

/** Whether the same connection may succeed a moment later. */
export function mayPass(error: unknown): boolean {
  const { code } = causeOf(error);
  return code !== undefined && MAY_PASS.has(code);
}

/** A host with several addresses fails once for each address, in an error that has no message of its own. */
export function causeOf(error: unknown): { code?: string; message: string } {
  if (error instanceof AggregateError && error.errors.length > 0) return causeOf(error.errors[0]);
  if (!(error instanceof Error)) return { message: String(error) };
  const { driverError } = error as { driverError?: unknown };
  if (driverError instanceof Error) return causeOf(driverError);
  const { code } = error as { code?: unknown };
  return { code: typeof code === 'string' ? code : undefined, message: error.message.split('\n')[0] ?? '' };
}
