import { type ArgumentsHost, Catch, type ExceptionFilter, Logger } from '@nestjs/common';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { toAppError, toProblem } from './problem.js';

/** The only exception filter: every error becomes a problem document, or ends a stream that has started. */
@Catch()
export class ProblemFilter implements ExceptionFilter {
  private readonly logger = new Logger(ProblemFilter.name);

  catch(thrown: unknown, host: ArgumentsHost): void {
    const http = host.switchToHttp();
    const request = http.getRequest<FastifyRequest>();
    const reply = http.getResponse<FastifyReply>();
    sendProblem(thrown, request, reply, this.logger);
  }
}

/** Writes the problem document of an error, and its log line. */
export function sendProblem(
  thrown: unknown,
  request: FastifyRequest,
  reply: FastifyReply,
  logger: Logger,
): void {
  const error = toAppError(thrown);
  // A response that says the server is temporarily unavailable is not a server failure.
  const deliberate = error.status === 503 && thrown === error && error.cause === undefined;
  if (error.status >= 500 && !deliberate) {
    logger.error({ err: error.cause ?? thrown, status: error.status, code: error.code }, error.detail);
  } else if (error.cause !== undefined) {
    logger.debug({ err: error.cause, status: error.status, code: error.code }, error.detail);
  }
  if (reply.sent || reply.raw.headersSent) {
    reply.raw.end();
    return;
  }
  void reply
    .status(error.status)
    // If Fastify refuses a request before its hooks run, the headers have no id yet.
    .header('x-request-id', String(request.id))
    .headers(error.headers ?? {})
    .header('content-type', 'application/problem+json; charset=utf-8')
    .send(JSON.stringify(toProblem(error, String(request.id))));
}
