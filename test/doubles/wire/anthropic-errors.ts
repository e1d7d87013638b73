import type { ErrorReason, FaultStatus } from '../script.js';
import type { ErrorAnswer } from './dialect.js';

interface ErrorBody {
  type: 'error';
  error: { type: string; message: string };
  request_id?: string;
}

/** An error in Anthropic's format. */
export function anthropicError(
  status: number,
  type: string,
  message: string,
  headers?: Record<string, string>,
): ErrorAnswer & { body: ErrorBody } {
  return {
    status,
    headers,
    body: { type: 'error', error: { type, message }, request_id: 'req_011CDoubleDoubleDouble' },
  };
}

/** @param retryAfter seconds, as a header */
export function anthropicStatus(
  status: FaultStatus,
  model: string,
  retryAfter?: number,
): ErrorAnswer & { body: ErrorBody } {
  switch (status) {
    case 400:
      return anthropicError(
        400,
        'invalid_request_error',
        'prompt is too long: 208310 tokens > 200000 maximum',
      );
    case 401:
      return anthropicError(401, 'authentication_error', 'invalid x-api-key');
    case 403:
      return anthropicError(
        403,
        'permission_error',
        'Your API key does not have permission to use the specified resource.',
      );
    case 404:
      return anthropicError(404, 'not_found_error', `model: ${model}`);
    case 429:
      return anthropicError(
        429,
        'rate_limit_error',
        "This request would exceed your organization's rate limit of 50 requests per minute. For details, refer to: https://docs.claude.com/en/api/rate-limits. You can see the response headers for current usage. Please reduce the prompt length or the maximum tokens requested, or try again later.",
        {
          'anthropic-ratelimit-requests-limit': '50',
          'anthropic-ratelimit-requests-remaining': '0',
          ...(retryAfter === undefined ? {} : { 'retry-after': String(retryAfter) }),
        },
      );
    case 500:
      return anthropicError(500, 'api_error', 'Internal server error');
    case 503:
      return anthropicError(503, 'api_error', 'The service is temporarily unavailable');
    case 529:
      return anthropicError(529, 'overloaded_error', 'Overloaded');
  }
}

const STREAM_STATUS = {
  overloaded: 529,
  'rate-limit': 429,
  'context-length': 400,
  internal: 500,
} as const satisfies Record<ErrorReason, FaultStatus>;

export function anthropicStreamError(reason: ErrorReason): ErrorBody {
  return anthropicStatus(STREAM_STATUS[reason], '').body;
}
