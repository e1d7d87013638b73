import type { IncomingHttpHeaders } from 'node:http';
import type { ErrorReason, FaultStatus } from '../script.js';
import type { ErrorAnswer, RequestFacts } from './dialect.js';

export interface OpenAIError {
  message: string;
  type: string;
  param: string | null;
  code: string | null;
}

/** An error in OpenAI's format. */
export function openaiError(
  status: number,
  message: string,
  { type = 'invalid_request_error', param = null, code = null }: Partial<OpenAIError> = {},
  headers?: Record<string, string>,
): ErrorAnswer & { body: { error: OpenAIError } } {
  return { status, headers, body: { error: { message, type, param, code } } };
}

export function openaiHeaders(): Record<string, string> {
  return {
    'x-request-id': `req_double${Date.now().toString(36)}`,
    'openai-version': '2020-10-01',
    'openai-processing-ms': '42',
  };
}

/** Refuses missing and invalid keys. */
export function openaiKeyProblem(headers: IncomingHttpHeaders): ErrorAnswer | undefined {
  const key = /^Bearer (.+)$/i.exec(headers.authorization ?? '')?.[1];
  if (key === undefined) {
    return openaiError(
      401,
      "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY), or as the password field (with blank username) if you're accessing the API from your browser and are prompted for a username and password. You can obtain an API key from https://platform.openai.com/account/api-keys.",
    );
  }
  if (key !== 'bad-key') return undefined;
  return openaiError(
    401,
    'Incorrect API key provided: bad-key. You can find your API key at https://platform.openai.com/account/api-keys.',
    { code: 'invalid_api_key' },
  );
}

const SERVER_ERROR =
  'The server had an error processing your request. Sorry about that! You can retry your request, or contact us through our help center at help.openai.com if you keep seeing this error.';
const OVERLOADED = 'The engine is currently overloaded, please try again later';
const RATE_LIMIT =
  'Rate limit reached for this model in organization org-double on requests per min (RPM): Limit 500, Used 500, Requested 1. Please try again in 120ms. Visit https://platform.openai.com/account/rate-limits to learn more.';

/** @param inputField the name of the prompt in this API */
export function openaiStatus(
  status: FaultStatus,
  { model }: RequestFacts,
  inputField: 'input' | 'messages',
  retryAfter?: number,
): ErrorAnswer {
  switch (status) {
    case 400:
      return openaiError(400, tooLong(inputField), { param: inputField, code: 'context_length_exceeded' });
    case 401:
      return openaiError(401, 'Incorrect API key provided: sk-do**le.', { code: 'invalid_api_key' });
    case 403:
      return openaiError(403, 'Country, region, or territory not supported', {
        type: 'request_forbidden',
        code: 'unsupported_country_region_territory',
      });
    case 404:
      return openaiError(404, `The model \`${model}\` does not exist or you do not have access to it.`, {
        code: 'model_not_found',
      });
    case 429:
      return openaiError(
        429,
        RATE_LIMIT,
        { type: 'requests', code: 'rate_limit_exceeded' },
        {
          'x-ratelimit-limit-requests': '500',
          'x-ratelimit-remaining-requests': '0',
          ...(retryAfter === undefined
            ? {}
            : { 'retry-after': String(Math.ceil(retryAfter)), 'retry-after-ms': String(retryAfter * 1000) }),
        },
      );
    case 500:
      return openaiError(500, SERVER_ERROR, { type: 'server_error' });
    case 503:
    case 529:
      return openaiError(503, OVERLOADED, { type: 'server_error', code: 'server_overloaded' });
  }
}

/** The content of an error event. */
export function openaiStreamError(reason: ErrorReason, inputField: 'input' | 'messages'): OpenAIError {
  switch (reason) {
    case 'overloaded':
      return { message: OVERLOADED, type: 'server_error', param: null, code: 'server_overloaded' };
    case 'rate-limit':
      return { message: RATE_LIMIT, type: 'requests', param: null, code: 'rate_limit_exceeded' };
    case 'context-length':
      return {
        message: tooLong(inputField),
        type: 'invalid_request_error',
        param: inputField,
        code: 'context_length_exceeded',
      };
    case 'internal':
      return { message: SERVER_ERROR, type: 'server_error', param: null, code: 'server_error' };
  }
}

function tooLong(inputField: 'input' | 'messages'): string {
  return inputField === 'input'
    ? 'Your input exceeds the context window of this model. Please adjust your input and try again.'
    : "This model's maximum context length is 128000 tokens. However, your messages resulted in 128412 tokens. Please reduce the length of the messages.";
}
