import { STATUS_CODES } from 'node:http';
import { HttpException } from '@nestjs/common';
import {
  AppError,
  type ErrorCode,
  type FieldError,
  invalidField,
  notFound,
  payloadTooLarge,
  unsupportedMediaType,
} from './app-error.js';
import { mapPostgresError } from './postgres-errors.js';

/** An RFC 9457 problem document. */
export interface Problem {
  type: string;
  title: string;
  status: number;
  detail: string;
  code: ErrorCode;
  requestId: string;
  errors?: FieldError[];
}

/** The document that represents an error on the wire. */
export function toProblem(error: AppError, requestId: string): Problem {
  return {
    type: 'about:blank',
    title: STATUS_CODES[error.status] ?? 'Error',
    status: error.status,
    detail: error.detail,
    code: error.code,
    requestId,
    ...(error.errors ? { errors: error.errors } : {}),
  };
}

/** Maps every thrown value: our own errors, Fastify's, Nest's and PostgreSQL's. Everything else is `internal`. */
export function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  return fromFastify(error) ?? fromNest(error) ?? mapPostgresError(error) ?? internal(error);
}

function internal(cause: unknown): AppError {
  return new AppError(500, 'internal', 'Internal error.', { cause });
}

function fromFastify(error: unknown): AppError | undefined {
  if (!(error instanceof Error)) return undefined;
  const { code, statusCode } = error as Error & { code?: string; statusCode?: number };
  switch (code) {
    case 'FST_ERR_CTP_BODY_TOO_LARGE':
      return payloadTooLarge();
    case 'FST_ERR_CTP_INVALID_MEDIA_TYPE':
      return unsupportedMediaType();
    case 'FST_ERR_CTP_INVALID_JSON_BODY':
      return invalidField('', 'the body is not valid JSON');
    case 'FST_ERR_CTP_EMPTY_JSON_BODY':
      return invalidField('', 'the body is empty');
    case 'FST_ERR_CTP_INVALID_CONTENT_LENGTH':
      return invalidField('headers.content-length', 'does not match the body');
    case 'FST_ERR_BAD_URL':
      return invalidField('url', 'is not a valid path');
    case 'FST_ERR_MAX_PARAM_LENGTH':
      return new AppError(414, 'validation_failed', 'A path segment is longer than the server accepts.');
  }
  // Any other error that Fastify attributes to the client. Its message may quote the input.
  if (code?.startsWith('FST_') && statusCode !== undefined && statusCode >= 400 && statusCode < 500) {
    return new AppError(statusCode, 'validation_failed', 'The request is not valid.', { cause: error });
  }
  if (error instanceof SyntaxError && statusCode === 400)
    return invalidField('', 'the body is not valid JSON');
  return undefined;
}

function fromNest(error: unknown): AppError | undefined {
  if (!(error instanceof HttpException)) return undefined;
  const wrapped = fromFastify(error.cause);
  if (wrapped) return wrapped;
  const status = error.getStatus();
  if (status >= 500) return undefined;
  if (status === 404) return notFound('This path');
  if (status === 413) return payloadTooLarge();
  if (status === 415) return unsupportedMediaType();
  const code = status === 401 ? 'unauthenticated' : status === 403 ? 'forbidden' : 'validation_failed';
  return new AppError(status, code, error.message, { cause: error });
}
