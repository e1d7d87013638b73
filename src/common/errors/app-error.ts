/** The stable values of a problem document's `code`. */
export const ERROR_CODES = [
  'unauthenticated',
  'forbidden',
  'user_inactive',
  'not_found',
  'validation_failed',
  'rate_limited',
  'budget_exceeded',
  'stream_in_progress',
  'version_conflict',
  'api_key_missing',
  'model_not_allowed',
  'agent_disabled',
  'github_token_missing',
  'upstream_error',
  'upstream_timeout',
  'payload_too_large',
  'unsupported_media_type',
  'internal',
] as const;

export type ErrorCode = (typeof ERROR_CODES)[number];

/** One invalid field. `path` is dotted, from the root of the request (`message.parts.0.url`). */
export interface FieldError {
  path: string;
  message: string;
}

interface AppErrorOptions {
  errors?: FieldError[];
  headers?: Record<string, string>;
  cause?: unknown;
}

/**
 * An error with a meaning for the client. It becomes a problem document (RFC 9457). `detail` is shown to users and must
 * not contain keys, SQL or stack traces. The `cause` only goes to the log.
 */
export class AppError extends Error {
  override name = 'AppError';
  readonly errors?: FieldError[];
  readonly headers?: Record<string, string>;

  constructor(
    readonly status: number,
    readonly code: ErrorCode,
    readonly detail: string,
    options: AppErrorOptions = {},
  ) {
    super(detail, { cause: options.cause });
    this.errors = options.errors;
    this.headers = options.headers;
  }
}

export const unauthenticated = (detail: string, cause?: unknown) =>
  new AppError(401, 'unauthenticated', detail, {
    cause,
    headers: { 'www-authenticate': 'Bearer' },
  });

export const forbidden = (detail = 'You are not allowed to do this.', cause?: unknown) =>
  new AppError(403, 'forbidden', detail, { cause });

export const userInactive = () => new AppError(403, 'user_inactive', 'This account is deactivated.');

export const notFound = (what: string) => new AppError(404, 'not_found', `${what} was not found.`);

/** The first errors are enough to correct a request. The response must not grow with the input. */
export const MAX_FIELD_ERRORS = 100;
const MAX_PATH = 200;
const MAX_MESSAGE = 500;
const MAX_DETAIL = 2_000;

export const validationFailed = (errors: FieldError[], cause?: unknown) => {
  const named = errors
    .slice(0, MAX_FIELD_ERRORS)
    // Names of fields and values in messages can come from the client.
    .map(({ path, message }) => ({ path: cut(path, MAX_PATH), message: cut(message, MAX_MESSAGE) }));
  const detail = named.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ');
  return new AppError(400, 'validation_failed', cut(detail, MAX_DETAIL) || 'The request is not valid.', {
    errors: named,
    cause,
  });
};

function cut(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length).toWellFormed()}…` : text;
}

export const invalidField = (path: string, message: string) => validationFailed([{ path, message }]);

export const rateLimited = (
  detail: string,
  retryAfterSeconds: number,
  headers: Record<string, string> = {},
) =>
  new AppError(429, 'rate_limited', detail, {
    headers: { ...headers, 'retry-after': String(Math.max(1, Math.ceil(retryAfterSeconds))) },
  });

/** The budget of this period is spent or reserved for answers that are being generated. */
export const budgetExceeded = (
  detail: string,
  retryAfterSeconds: number,
  headers: Record<string, string> = {},
) =>
  new AppError(429, 'budget_exceeded', detail, {
    headers: { ...headers, 'retry-after': String(Math.max(1, Math.ceil(retryAfterSeconds))) },
  });

export const streamInProgress = () =>
  new AppError(
    409,
    'stream_in_progress',
    'An answer is still being generated in this chat. Wait for it, resume it or stop it first.',
  );

export const conflict = (detail: string) => new AppError(409, 'version_conflict', detail);

export const apiKeyMissing = (header: string, provider: string) =>
  new AppError(
    400,
    'api_key_missing',
    `No ${provider} key is configured. Send your own key in the header ${header}.`,
    {
      errors: [{ path: `headers.${header}`, message: 'is required for this model' }],
    },
  );

export const githubTokenMissing = () =>
  new AppError(400, 'github_token_missing', 'Send a GitHub token in the header x-github-token.', {
    errors: [{ path: 'headers.x-github-token', message: 'is required for GitHub' }],
  });

export const modelNotAllowed = (model: string) =>
  new AppError(400, 'model_not_allowed', `You cannot choose the model ${model}.`, {
    errors: [{ path: 'model', message: 'is not one of GET /api/models' }],
  });

export const agentDisabled = (agent: string) =>
  new AppError(403, 'agent_disabled', `The agent ${agent} is disabled.`);

export const payloadTooLarge = (detail = 'The request body is too large.') =>
  new AppError(413, 'payload_too_large', detail);

/** A message that no shortening of the conversation before it can help. */
export const messageTooLong = (model: string, cause?: unknown) =>
  new AppError(
    413,
    'payload_too_large',
    `Your message is too long for ${model}. Shorten it, split it, or choose another model.`,
    { errors: [{ path: 'message', message: `is longer than what ${model} may be sent here` }], cause },
  );

/** The client must open a new connection, because the rest of the request may still arrive on this one. */
export const requestTimedOut = () =>
  new AppError(408, 'validation_failed', 'The request did not arrive in time.', {
    headers: { connection: 'close' },
  });

export const tooManyHeaders = (detail = 'The headers are larger than the server accepts.') =>
  new AppError(431, 'payload_too_large', detail);

export const unsupportedMediaType = (detail = 'Send application/json.') =>
  new AppError(415, 'unsupported_media_type', detail);

export const upstreamError = (detail: string, cause?: unknown) =>
  new AppError(502, 'upstream_error', detail, { cause });

export const upstreamTimeout = (detail: string, cause?: unknown) =>
  new AppError(504, 'upstream_timeout', detail, { cause });

/** 503 while the process is shutting down or a dependency is unavailable. There is no specific `code` for it. */
export const unavailable = (detail: string, retryAfterSeconds: number, cause?: unknown) =>
  new AppError(503, 'internal', detail, { cause, headers: { 'retry-after': String(retryAfterSeconds) } });
