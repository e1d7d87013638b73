import { randomUUID } from 'node:crypto';
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type AppError, requestTimedOut, tooManyHeaders, validationFailed } from '../errors/app-error.js';
import { toAppError, toProblem } from '../errors/problem.js';
import { networkOf } from './client-address.js';
import { isDiscarding } from './unread-body.js';

/** Long enough for the client to read the response. The server does not wait for a client that keeps its side open. */
const CLOSE_AFTER = 1_000;

/**
 * Only here does Node expose the response that is in progress on a connection. Node's own handler of these errors
 * checks it too.
 */
type ClientSocket = Socket & { _httpMessage?: ServerResponse | null };

/**
 * Responds with a problem document if Node cannot parse a request. Such requests never reach a filter.
 *
 * @param count counts the address; it throws if the address has used up its requests
 */
export function createClientErrorHandler(count: (address: string) => Promise<void>) {
  return (error: Error & { code?: string }, socket: ClientSocket): void => {
    // The client is gone, or a response was sent or is being sent.
    if (
      error.code === 'ECONNRESET' ||
      !socket.writable ||
      socket._httpMessage?.headersSent ||
      isDiscarding(socket)
    ) {
      socket.destroy();
      return;
    }
    count(networkOf(socket.remoteAddress ?? '')).then(
      () => answer(meaningOf(error.code), socket),
      (refusal: unknown) => answer(toAppError(refusal), socket),
    );
  };
}

function answer(error: AppError, socket: ClientSocket): void {
  if (!socket.writable) return;
  const requestId = randomUUID();
  const problem = toProblem(error, requestId);
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    'content-type: application/problem+json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${requestId}`,
    ...Object.entries({ ...error.headers, connection: 'close' }).map(([name, value]) => `${name}: ${value}`),
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
  setTimeout(() => socket.destroy(), CLOSE_AFTER).unref();
}

function meaningOf(code: string | undefined): AppError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return tooManyHeaders();
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return requestTimedOut();
    default:
      return validationFailed([{ path: '', message: 'the request is not valid HTTP' }]);
  }
}
