import type { ErrorReason, FaultStatus } from '../script.js';
import type { ErrorAnswer } from './dialect.js';

const TYPE = 'type.googleapis.com/google.rpc';

/** An error in the format of Google's services. */
export function googleError(code: number, status: string, message: string, details?: unknown[]): ErrorAnswer {
  return { status: code, body: { error: { code, message, status, ...(details ? { details } : {}) } } };
}

export function googleBadKey(): ErrorAnswer {
  const message = 'API key not valid. Please pass a valid API key.';
  return googleError(400, 'INVALID_ARGUMENT', message, [
    {
      '@type': `${TYPE}.ErrorInfo`,
      reason: 'API_KEY_INVALID',
      domain: 'googleapis.com',
      metadata: { service: 'generativelanguage.googleapis.com' },
    },
    { '@type': `${TYPE}.LocalizedMessage`, locale: 'en-US', message },
  ]);
}

export function googleMissingKey(): ErrorAnswer {
  return googleError(
    403,
    'PERMISSION_DENIED',
    "Method doesn't allow unregistered callers (callers without established identity). Please use API Key or other form of API consumer identity to call this API.",
  );
}

const TOO_LONG = 'The input token count (1048577) exceeds the maximum number of tokens allowed (1048576).';
const OVERLOADED = 'The model is overloaded. Please try again later.';
const INTERNAL =
  'An internal error has occurred. Please retry or report in https://developers.generativeai.google/guide/troubleshooting';
const QUOTA =
  'You exceeded your current quota, please check your plan and billing details. For more information on this error, head to: https://ai.google.dev/gemini-api/docs/rate-limits.';

/** @param retryAfter seconds; Gemini sends them in the body, not in a header */
export function googleStatus(
  status: Exclude<FaultStatus, 529>,
  model: string,
  retryAfter?: number,
): ErrorAnswer {
  switch (status) {
    case 400:
      return googleError(400, 'INVALID_ARGUMENT', TOO_LONG);
    case 401:
      return googleError(
        401,
        'UNAUTHENTICATED',
        'Request had invalid authentication credentials. Expected OAuth 2 access token, login cookie or other valid authentication credential. See https://developers.google.com/identity/sign-in/web/devconsole-project.',
      );
    case 403:
      return googleError(
        403,
        'PERMISSION_DENIED',
        'Generative Language API has not been used in project 123456789012 before or it is disabled.',
        [{ '@type': `${TYPE}.ErrorInfo`, reason: 'SERVICE_DISABLED', domain: 'googleapis.com' }],
      );
    case 404:
      return googleError(
        404,
        'NOT_FOUND',
        `models/${model} is not found for API version v1beta, or is not supported for generateContent. Call ListModels to see the list of available models and their supported methods.`,
      );
    case 429:
      return googleError(429, 'RESOURCE_EXHAUSTED', QUOTA, [
        {
          '@type': `${TYPE}.QuotaFailure`,
          violations: [
            {
              quotaMetric: 'generativelanguage.googleapis.com/generate_content_requests',
              quotaId: 'GenerateRequestsPerMinutePerProjectPerModel',
              quotaDimensions: { location: 'global', model },
              quotaValue: '10',
            },
          ],
        },
        {
          '@type': `${TYPE}.Help`,
          links: [
            {
              description: 'Learn more about Gemini API quotas',
              url: 'https://ai.google.dev/gemini-api/docs/rate-limits',
            },
          ],
        },
        ...(retryAfter === undefined ? [] : [{ '@type': `${TYPE}.RetryInfo`, retryDelay: `${retryAfter}s` }]),
      ]);
    case 500:
      return googleError(500, 'INTERNAL', INTERNAL);
    case 503:
      return googleError(503, 'UNAVAILABLE', OVERLOADED);
  }
}

export function googleStreamError(reason: ErrorReason): unknown {
  switch (reason) {
    case 'overloaded':
      return googleError(503, 'UNAVAILABLE', OVERLOADED).body;
    case 'rate-limit':
      return googleError(429, 'RESOURCE_EXHAUSTED', QUOTA).body;
    case 'context-length':
      return googleError(400, 'INVALID_ARGUMENT', TOO_LONG).body;
    case 'internal':
      return googleError(500, 'INTERNAL', INTERNAL).body;
  }
}
