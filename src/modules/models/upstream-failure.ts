import { isNativeError } from 'node:util/types';
import { APICallError, JSONParseError, RetryError } from 'ai';
import { AppError, rateLimited, upstreamError, upstreamTimeout } from '../../common/errors/app-error.js';
import { contentRefused } from './image-result.js';
import { addressOf, type ModelProvider, VENDORS } from './vendors/vendors.js';

/** The provider was silent for too long. It is the abort reason of the canceled call. */
export class UpstreamTimeoutError extends Error {
  override name = 'UpstreamTimeoutError';
}

/** The stream ended as if it were complete, but the provider never said so. */
export class CutOffError extends Error {
  override name = 'CutOffError';

  constructor() {
    super('The stream ended without its final event.');
  }
}

/** The provider ended its answer with an error or with an unknown finish reason. */
export class UnfinishedError extends Error {
  override name = 'UnfinishedError';

  /** @param reason the provider's own finish reason */
  constructor(readonly reason: string | undefined) {
    super(`The answer ended unfinished: ${reason ?? 'no reason was given'}.`);
  }
}

/** Where a failure happened. Used in the error message. */
export interface FailedCall {
  provider: ModelProvider;
  /** True when the key was the user's own. */
  ownKey: boolean;
}

const TOO_LONG =
  /context[_ ](?:length|window|limit)|maximum context|prompt is too long|input token count.*exceeds|too many tokens|input is too long/i;
/** OpenAI answers like this if a request refers to a part of an earlier answer that it should have stored but did not. */
const MISSING_ITEM = /\bitem with id\b/i;
const BAD_KEY = /API[_ ]?KEY[_ ]?(?:INVALID|not valid|expired)|invalid.{0,12}api key|authentication_error/i;

/** The longest wait in seconds that is passed on to a client. */
const MAX_WAIT = 3_600;
/** The wait in seconds if the provider does not ask for one. */
const DEFAULT_WAIT = 30;

/**
 * Converts any failure of a provider to one error: a bad key to 400 (it names the header), a rate limit to 429 (with
 * the wait), a timeout to 504, everything else to 502. The texts are for people. The provider's own text goes to the
 * log as the cause.
 */
export function upstreamFailure(thrown: unknown, call: FailedCall): AppError {
  if (thrown instanceof AppError) return thrown;
  const error = RetryError.isInstance(thrown) ? thrown.lastError : thrown;
  const { name } = addressOf(call.provider);
  if (error instanceof UpstreamTimeoutError)
    return upstreamTimeout(`${name} did not respond in time.`, error);
  if (error instanceof UnfinishedError) {
    const why = error.reason === undefined ? '' : ` (${error.reason})`;
    return upstreamError(`${name} did not finish its answer${why}. Try again.`, error);
  }
  const known = meaningOf(error, call);
  if (known) return known;
  const status = statusOf(error, textOf(error));
  if (status === undefined && isNetworkFailure(error))
    return upstreamError(`${name} cannot be reached.`, error);
  // An error event inside a stream ends an answer that had already begun.
  if (status === undefined || status < 400 || !APICallError.isInstance(error))
    return upstreamError(`${name} ended its answer early.`, error);
  return upstreamError(`${name} failed (status ${status}).`, error);
}

/** The meaning of the status or the text of an error. Undefined if it has no special meaning. */
function meaningOf(error: unknown, { provider, ownKey }: FailedCall): AppError | undefined {
  const { name, keyHeader: header } = addressOf(provider);
  const text = textOf(error);
  const status = statusOf(error, text);
  if (status === 401 || status === 403 || (status === 400 && BAD_KEY.test(text))) {
    const whose = ownKey ? 'the key you sent' : "the server's key";
    const hint = header ? ` Send a valid key in the header ${header}.` : '';
    return new AppError(400, 'api_key_missing', `${name} refused ${whose}.${hint}`, {
      cause: error,
      errors: header ? [{ path: `headers.${header}`, message: `was refused by ${name}` }] : undefined,
    });
  }
  if (status === 429) {
    const wait = retryAfterSeconds(error) ?? DEFAULT_WAIT;
    return rateLimited(`${name} is rate limiting requests. Try again in ${Math.ceil(wait)} s.`, wait);
  }
  if (status === 400 && refusalOf(provider)?.test(text)) return contentRefused(name, error);
  if (status === 408 || status === 504) return upstreamTimeout(`${name} did not respond in time.`, error);
  if (TOO_LONG.test(text)) {
    return upstreamError(
      'The conversation has become too long for this model. Start a new chat or choose another model.',
      error,
    );
  }
  if (status !== undefined && status >= 300 && status < 400) {
    return upstreamError(
      `${name} redirected the request (status ${status}) to an address that is not allowed. Check its base URL.`,
      error,
    );
  }
  if (status === 503 || status === 529) return upstreamError(`${name} is overloaded. Try again.`, error);
  return undefined;
}

/**
 * The vendor's text if it refuses the content of a call before it has answered anything. Undefined for other failures
 * (the key, a limit, the length of the conversation, its rules on content).
 */
export function refusedContent(error: unknown, call: FailedCall): string | undefined {
  if (!APICallError.isInstance(error)) return undefined;
  const { statusCode: status } = error;
  const text = textOf(error);
  if (status === 413) return text;
  const isRefusal = status === 400 || status === 422 || (status === 404 && MISSING_ITEM.test(text));
  return isRefusal && meaningOf(error, call) === undefined ? text : undefined;
}

/**
 * The vendor's text if it refuses a prompt because of its length, as an answer or as the first event of a stream.
 * Undefined for other failures.
 */
export function refusedLength(error: unknown): string | undefined {
  if (error instanceof AppError || (APICallError.isInstance(error) && error.statusCode === 429))
    return undefined;
  const text = textOf(error);
  const status = statusOf(error, text);
  const isRefusal = status === undefined || status === 400 || status === 413 || status === 422;
  return isRefusal && TOO_LONG.test(text) ? text : undefined;
}

function refusalOf(provider: ModelProvider): RegExp | undefined {
  return provider === 'demo' ? undefined : VENDORS[provider].images?.refusal;
}

/** The provider's own text. It excludes parts of the answer, which an event with invalid JSON may contain. */
function textOf(error: unknown): string {
  if (JSONParseError.isInstance(error)) return '';
  if (APICallError.isInstance(error)) return `${error.message} ${error.responseBody ?? ''}`;
  const { message } = (error ?? {}) as { message?: unknown };
  return typeof message === 'string' ? message : (JSON.stringify(error) ?? '');
}

/** An error event inside a stream also stands for a status. Gateways may only give a text. */
function statusOf(error: unknown, text: string): number | undefined {
  if (APICallError.isInstance(error)) return error.statusCode;
  const { statusCode } = (error ?? {}) as { statusCode?: unknown };
  if (typeof statusCode === 'number') return statusCode;
  if (/rate.?limit|RESOURCE_EXHAUSTED/i.test(text)) return 429;
  return /overloaded/i.test(text) ? 529 : undefined;
}

/** The wait in seconds that the provider asks for: `retry-after(-ms)`, or Gemini's RetryInfo in the body. */
export function retryAfterSeconds(error: unknown): number | undefined {
  if (!APICallError.isInstance(error)) return undefined;
  const headers = error.responseHeaders ?? {};
  const milliseconds = Number(headers['retry-after-ms']);
  if (headers['retry-after-ms'] !== undefined && milliseconds >= 0)
    return Math.min(milliseconds / 1000, MAX_WAIT);
  const header = headers['retry-after'];
  if (header !== undefined) {
    const seconds = /^\d+(\.\d+)?$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1000;
    if (seconds >= 0) return Math.min(seconds, MAX_WAIT);
  }
  const retryInfo = /"retryDelay"\s*:\s*"(\d+(?:\.\d+)?)s"/.exec(error.responseBody ?? '');
  return retryInfo ? Math.min(Number(retryInfo[1]), MAX_WAIT) : undefined;
}

/** Whether the same call may succeed if it is repeated. Only used before its first byte. */
export function isRetryable(thrown: unknown): boolean {
  // An unfinished answer is billed.
  if (thrown instanceof UnfinishedError) return false;
  if (thrown instanceof UpstreamTimeoutError || thrown instanceof AppError) return false;
  if (thrown instanceof CutOffError) return true;
  const text = textOf(thrown);
  const status = statusOf(thrown, text);
  if (status === undefined && TOO_LONG.test(text)) return false;
  if (status !== undefined && status >= 400) return status === 429 || status >= 500;
  // Without a status, the server was not reached. After a successful status, the connection may have failed.
  return isNetworkFailure(thrown);
}

/**
 * Whether a provider could not answer at all, so that another one may be asked: it is limited, down, unreachable or silent.
 * Only used before the first byte. A refusal is an answer.
 */
export function isOutage(thrown: unknown): boolean {
  if (thrown instanceof UpstreamTimeoutError || isRetryable(thrown)) return true;
  return APICallError.isInstance(thrown) && thrown.statusCode === 408;
}

/**
 * Whether the vendor itself says that it has not answered: with the status of an error, or with an error event. Vendors do
 * not bill such a call. A call that was cut off, or that ended without a result, is billed.
 */
export function isRefusal(thrown: unknown): boolean {
  if (APICallError.isInstance(thrown)) return thrown.statusCode !== undefined && thrown.statusCode >= 300;
  // Error events are plain values.
  return !isNativeError(thrown);
}

/** The innermost cause has a system error code (ECONNRESET, UND_ERR_SOCKET). */
function isNetworkFailure(thrown: unknown): boolean {
  if (APICallError.isInstance(thrown) && thrown.statusCode === undefined) return true;
  const { code, cause } = (thrown ?? {}) as { code?: unknown; cause?: unknown };
  return typeof code === 'string' || (cause !== undefined && isNetworkFailure(cause));
}
