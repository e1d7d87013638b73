import type { ServiceName } from './request-target.js';

/** An error in Supabase Auth's format. */
export function authFailure(
  status: number,
  errorCode: string,
  message: string,
  headers: Record<string, string> = {},
): Response {
  return Response.json(
    { code: status, error_code: errorCode, msg: message },
    { status, headers: { 'x-sb-error-code': errorCode, ...headers } },
  );
}

/** An error in Supabase Storage's format. */
export function storageFailure(status: number, error: string, message: string): Response {
  return Response.json({ statusCode: String(status), error, message }, { status });
}

/** An error in the format that the service's clients understand. */
export function failure(service: ServiceName, status: number, code: string, message: string): Response {
  return service === 'auth' ? authFailure(status, code, message) : storageFailure(status, code, message);
}

/** Does not include the cause: it may quote a statement, a path or an address. */
export function unexpectedFailure(service: ServiceName): Response {
  return failure(service, 500, 'unexpected_failure', 'Unexpected failure, please check server logs');
}
