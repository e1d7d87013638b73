import { APICallError, JSONParseError, RetryError } from 'ai';
import { AppError, rateLimited, upstreamError, upstreamTimeout } from '../../common/errors/app-error.js';
import { contentRefused } from './image-result.js';
import { addressOf, type ModelProvider, VENDORS } from './vendors/vendors.js';

/** The provider said nothing for too long. It is the abort reason of the call that is given up. */
export class UpstreamTimeoutError extends Error {
  override name = 'UpstreamTimeoutError';
}

/** The stream ended as if all had been said, but without the provider's word that it had. */
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

/** Where a failure happened, for its message. */
export interface FailedCall {
  provider: ModelProvider;
  /** True when the key was the user's own. */
  ownKey: boolean;
}

const TOO_LONG =
  /context[_ ](?:length|window)|maximum context|prompt is too long|input token count.*exceeds|too many tokens|input is too long/i;
/** OpenAI answers like this to a part of an earlier answer that it was to keep and has not. */
const MISSING_ITEM = /\bitem with id\b/i;
const BAD_KEY = /API[_ ]?KEY[_ ]?(?:INVALID|not valid|expired)|invalid.{0,12}api key|authentication_error/i;

/** Longest wait that is passed on to a client, in seconds. */
const MAX_WAIT = 3_600;
/** The wait in seconds where the provider asks for none. */
const DEFAULT_WAIT = 30;

/**
 * The one meaning of whatever went wrong with a provider: a bad key 400 (names the header), its rate limit 429 (with its
 * wait), a timeout 504, all else 502. The texts are for people; what the provider said goes to the log as the cause.
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
  // An error event inside of a stream ends an answer that had begun.
  if (status === undefined || status < 400 || !APICallError.isInstance(error))
    return upstreamError(`${name} ended its answer early.`, error);
  return upstreamError(`${name} failed (status ${status}).`, error);
}

/** What the status or the text of an error says; undefined when it says nothing in particular. */
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
    const wait = (APICallError.isInstance(error) ? retryAfterSeconds(error) : undefined) ?? DEFAULT_WAIT;
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
 * The vendor's words when it refuses what a call contains, before it has answered anything; undefined for failures that
 * have another reason (the key, a limit, the length of the conversation, its rules on content).
 */
export function refusedContent(error: unknown, call: FailedCall): string | undefined {
  if (!APICallError.isInstance(error)) return undefined;
  const { statusCode: status } = error;
  const text = textOf(error);
  if (status === 413) return text;
  const isRefusal = status === 400 || status === 422 || (status === 404 && MISSING_ITEM.test(text));
  return isRefusal && meaningOf(error, call) === undefined ? text : undefined;
}

function refusalOf(provider: ModelProvider): RegExp | undefined {
  return provider === 'demo' ? undefined : VENDORS[provider].images?.refusal;
}

/** The provider's own words; not the answer's, of which an event that is not JSON may be full. */
function textOf(error: unknown): string {
  if (JSONParseError.isInstance(error)) return '';
  if (APICallError.isInstance(error)) return `${error.message} ${error.responseBody ?? ''}`;
  const { message } = (error ?? {}) as { message?: unknown };
  return typeof message === 'string' ? message : (JSON.stringify(error) ?? '');
}

/** An error event inside of a stream stands for a status too; gateways may leave it to its words. */
function statusOf(error: unknown, text: string): number | undefined {
  if (APICallError.isInstance(error)) return error.statusCode;
  const { statusCode } = (error ?? {}) as { statusCode?: unknown };
  if (typeof statusCode === 'number') return statusCode;
  if (/rate.?limit|RESOURCE_EXHAUSTED/i.test(text)) return 429;
  return /overloaded/i.test(text) ? 529 : undefined;
}

/** The wait that the provider asks for, in seconds: `retry-after(-ms)`, or Gemini's RetryInfo in the body. */
export function retryAfterSeconds(error: APICallError): number | undefined {
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

/** Whether the same call may succeed if it is made again: only asked before its first byte. */
export function isRetryable(thrown: unknown): boolean {
  // An unfinished answer is billed.
  if (thrown instanceof UnfinishedError) return false;
  if (thrown instanceof UpstreamTimeoutError || thrown instanceof AppError) return false;
  if (thrown instanceof CutOffError) return true;
  const status = statusOf(thrown, textOf(thrown));
  if (status !== undefined && status >= 400) return status === 429 || status >= 500;
  // Without one it was not reached; after a good one the connection may have broken.
  return isNetworkFailure(thrown);
}

/** Whatever wraps it, at its bottom there is a system's code (ECONNRESET, UND_ERR_SOCKET). */
function isNetworkFailure(thrown: unknown): boolean {
  if (APICallError.isInstance(thrown) && thrown.statusCode === undefined) return true;
  const { code, cause } = (thrown ?? {}) as { code?: unknown; cause?: unknown };
  return typeof code === 'string' || (cause !== undefined && isNetworkFailure(cause));
}
