import { randomUUID } from 'node:crypto';
import { type ServerResponse, STATUS_CODES } from 'node:http';
import type { Socket } from 'node:net';
import { AppError, validationFailed } from '../errors/app-error.js';
import { toProblem } from '../errors/problem.js';

/** Node tells only here what it is answering on a connection; its own handler of these errors looks at it, too. */
type ClientSocket = Socket & { _httpMessage?: ServerResponse | null };

/** Answers what Node could not read as a request, which no filter ever sees, with a problem document too. */
export function answerClientError(error: Error & { code?: string }, socket: ClientSocket): void {
  // There is nobody to answer, or an answer is on its way already.
  if (error.code === 'ECONNRESET' || !socket.writable || socket._httpMessage?.headersSent) {
    socket.destroy();
    return;
  }
  const requestId = randomUUID();
  const problem = toProblem(meaningOf(error.code), requestId);
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    'content-type: application/problem+json; charset=utf-8',
    `content-length: ${Buffer.byteLength(body)}`,
    `x-request-id: ${requestId}`,
    'connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}

function meaningOf(code: string | undefined): AppError {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new AppError(431, 'payload_too_large', 'The headers are larger than the server accepts.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new AppError(408, 'validation_failed', 'The request did not arrive in time.');
    default:
      return validationFailed([{ path: '', message: 'the request is not valid HTTP' }]);
  }
}
