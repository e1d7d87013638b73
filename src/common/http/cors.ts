/** The request headers of the usual clients in browsers: `fetch`, `useChat`, supabase-js, event sources, tracing. */
const CLIENT_HEADERS = [
  'accept',
  'apikey',
  'authorization',
  'baggage',
  'cache-control',
  'content-type',
  'if-match',
  'last-event-id',
  'range',
  'traceparent',
  'tracestate',
  'user-agent',
  'x-client-info',
  'x-github-token',
  'x-metadata',
  'x-request-id',
  'x-supabase-api-version',
  'x-upsert',
];

/** The request headers that browsers may send from other origins. */
export const allowedHeaders = (keyHeaders: readonly string[]): string[] => [...CLIENT_HEADERS, ...keyHeaders];

/** The response headers that scripts on other origins may read. */
export const EXPOSED_HEADERS = [
  'content-disposition',
  'content-length',
  'content-range',
  'etag',
  'link',
  'RateLimit-Limit',
  'RateLimit-Remaining',
  'RateLimit-Reset',
  'Retry-After',
  'x-request-id',
  'x-sb-error-code',
  'x-supabase-api-version',
  'x-total-count',
  'x-vercel-ai-ui-message-stream',
];
