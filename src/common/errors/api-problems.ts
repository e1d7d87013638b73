import { applyDecorators } from '@nestjs/common';
import { ApiResponse, getSchemaPath } from '@nestjs/swagger';
import type { ErrorCode } from './app-error.js';
import { ProblemDto } from './problem.dto.js';

const DESCRIPTIONS: Record<number, { description: string; code: ErrorCode; title: string }> = {
  400: {
    title: 'Bad Request',
    code: 'validation_failed',
    description: 'The request is invalid. `errors` names the fields.',
  },
  401: {
    title: 'Unauthorized',
    code: 'unauthenticated',
    description: 'The access token is missing, invalid or expired, or its user no longer exists.',
  },
  403: {
    title: 'Forbidden',
    code: 'forbidden',
    description: 'Not allowed: `forbidden`, `user_inactive` or `agent_disabled`.',
  },
  404: {
    title: 'Not Found',
    code: 'not_found',
    description: 'The resource does not exist, or it belongs to another user.',
  },
  408: {
    title: 'Request Timeout',
    code: 'validation_failed',
    description: 'The body did not arrive within `REQUEST_TIMEOUT_MS`. The connection is closed.',
  },
  409: {
    title: 'Conflict',
    code: 'version_conflict',
    description: 'The request conflicts with the current state: `stream_in_progress` or `version_conflict`.',
  },
  413: {
    title: 'Payload Too Large',
    code: 'payload_too_large',
    description:
      'The body is too large, or has too many keys and items. The limit is 64 KB, or `BODY_LIMIT` for messages, documents and configurations. ' +
      'Of the `messages` in POST /api/chat, only the last one counts.',
  },
  415: {
    title: 'Unsupported Media Type',
    code: 'unsupported_media_type',
    description: 'The body is not JSON.',
  },
  429: {
    title: 'Too Many Requests',
    code: 'rate_limited',
    description:
      'Too many requests (`rate_limited`), or the budget is used up (`budget_exceeded`). The header `Retry-After` has the ' +
      'number of seconds to wait.',
  },
  500: {
    title: 'Internal Server Error',
    code: 'internal',
    description: 'Internal error. The log has the cause under the `requestId`.',
  },
  502: {
    title: 'Bad Gateway',
    code: 'upstream_error',
    description: 'The model provider, GitHub or Supabase failed.',
  },
  503: {
    title: 'Service Unavailable',
    code: 'internal',
    description:
      'The server is shutting down, or the database is unavailable. Try again after `Retry-After` seconds.',
  },
  504: {
    title: 'Gateway Timeout',
    code: 'upstream_timeout',
    description: 'The model provider, GitHub or Supabase did not respond in time.',
  },
};

/** Sent with every response. */
export const REQUEST_ID_HEADER = header('The id of this request.', 'string');

/** Documents the errors of a route. 401, 403, 429, 500 and 503 are added to every protected route. */
export function ApiProblems(...statuses: number[]): MethodDecorator & ClassDecorator {
  const all = [...new Set([...statuses, 401, 403, 429, 500, 503])].sort((a, b) => a - b);
  return applyDecorators(...all.map(ApiProblem));
}

/** Documents one error of a route. */
export function ApiProblem(status: number): MethodDecorator & ClassDecorator {
  return ApiResponse({ status, ...describeProblem(status) });
}

/** The OpenAPI description of an error. */
export function describeProblem(status: number) {
  const known = DESCRIPTIONS[status];
  if (!known) throw new Error(`There is no description of status ${status}.`);
  const headers: Record<string, ReturnType<typeof header>> = {
    'x-request-id': REQUEST_ID_HEADER,
  };
  if (status === 429 || status === 503) headers['Retry-After'] = header('Seconds to wait.', 'integer');
  return {
    description: known.description,
    headers,
    content: {
      'application/problem+json': {
        schema: { $ref: getSchemaPath(ProblemDto) },
        example: {
          type: 'about:blank',
          title: known.title,
          status,
          detail: known.description.replaceAll('`', ''),
          code: known.code,
          requestId: '7f9a2a1e-7d8f-4f52-9d0c-1d4bb1d0b8f3',
        },
      },
    },
  };
}

function header(description: string, type: 'string' | 'integer') {
  return { description, schema: { type } };
}
