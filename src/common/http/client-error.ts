import { randomUUID } from 'node:crypto';
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { type AppError, requestTimedOut, tooManyHeaders, validationFailed } from '../errors/app-error.js';
import { toAppError, toProblem } from '../errors/problem.js';
import { networkOf } from './client-address.js';
import { isDiscarding } from './unread-body.js';

/** Long enough for the client to read the answer; a client that keeps its side open is not waited for. */
const CLOSE_AFTER = 1_000;

/** Node tells only here what it is answering on a connection; its own handler of these errors looks at it, too. */
type ClientSocket = Socket & { _httpMessage?: ServerResponse | null };

/**
 * Answers what Node could not read as a request, which no filter ever sees, with a problem document too.
 *
 * @param count counts the address; it throws when that has used up its requests
 */
export function createClientErrorHandler(count: (address: string) => Promise<void>) {
  return (error: Error & { code?: string }, socket: ClientSocket): void => {
    // There is nobody to answer, or the request has been answered, or is being answered.
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
