import {
  AppError,
  githubTokenMissing,
  notFound,
  rateLimited,
  upstreamError,
  upstreamTimeout,
} from '../../common/errors/app-error.js';

/** The longest wait that is passed on to a client, in seconds. */
const MAX_WAIT = 3_600;
/** GitHub's documentation asks for a minute if a response names no time. */
const DEFAULT_WAIT = 60;

/** GitHub sent nothing for too long. This is the abort reason of the request. */
export class GithubTimeoutError extends Error {
  override name = 'GithubTimeoutError';
}

/** @throws AppError 400 naming the header if there is no token */
export function requireToken(token: string | undefined): string {
  if (token === undefined) throw githubTokenMissing();
  return token;
}

/** A wrong, expired or revoked token counts as missing. */
export const githubTokenRefused = (cause?: unknown) =>
  new AppError(
    400,
    'github_token_missing',
    'GitHub refused the token. Send a valid token in the header x-github-token.',
    { cause, errors: [{ path: 'headers.x-github-token', message: 'was refused by GitHub' }] },
  );

/** Maps an unsuccessful response of GitHub. */
export function githubFailure(response: Response, what: string): AppError {
  const { status } = response;
  const wait = rateLimitWait(response);
  if (wait !== undefined)
    return rateLimited(`GitHub is rate limiting requests. Try again in ${wait} s.`, wait);
  if (status === 401) return githubTokenRefused();
  // GitHub responds with 403 if the token or an organization's policies do not allow access, and with 451 for
  // repositories that it had to take down.
  if ([403, 404, 410, 451].includes(status)) return notFound(what);
  if (status === 408 || status === 504) return upstreamTimeout('GitHub did not respond in time.');
  return upstreamError(`GitHub failed (status ${status}).`);
}

/** The error of `fetch` has its reason in a nested cause. */
export function githubUnreachable(error: unknown): AppError {
  return isTimeout(error)
    ? upstreamTimeout('GitHub did not respond in time.', error)
    : upstreamError('GitHub cannot be reached.', error);
}

/**
 * The seconds to wait if a response means too many requests, or undefined. A 403 can mean this too, and only its
 * headers show it.
 */
export function rateLimitWait({ status, headers }: Response): number | undefined {
  if (status !== 403 && status !== 429) return undefined;
  const retryAfter = Number(headers.get('retry-after') ?? Number.NaN);
  if (Number.isFinite(retryAfter)) return limited(retryAfter);
  if (headers.get('x-ratelimit-remaining') === '0') {
    const reset = Number(headers.get('x-ratelimit-reset') ?? Number.NaN);
    return Number.isFinite(reset) ? limited(reset - Date.now() / 1000) : DEFAULT_WAIT;
  }
  return status === 429 ? DEFAULT_WAIT : undefined;
}

function limited(seconds: number): number {
  return Math.min(MAX_WAIT, Math.max(1, Math.ceil(seconds)));
}

function isTimeout(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  return error instanceof GithubTimeoutError || isTimeout(error.cause);
}
