import type { FastifyRequest } from 'fastify';
import { AppError, invalidField, tooManyHeaders, unsupportedMediaType } from '../errors/app-error.js';

/** Headers with secrets of the caller, in addition to the key headers of model vendors. */
export const SECRET_HEADERS = ['authorization', 'proxy-authorization', 'apikey', 'x-github-token'];

/** Browsers behind several proxies send about forty headers. */
const MAX_HEADERS = 100;

/**
 * Headers that must be sent only once. With duplicates, a proxy may use one and Node the other, or Node joins them into
 * a value that nobody sent.
 */
export function singleHeaders(secretHeaders: readonly string[]): ReadonlySet<string> {
  return new Set(['host', 'content-type', ...secretHeaders]);
}

/** The problem with the headers of a request, or undefined. */
export function findHeaderProblem(
  request: FastifyRequest,
  single: ReadonlySet<string>,
): AppError | undefined {
  const { rawHeaders, httpVersion, headers } = request.raw;
  if (rawHeaders.length > 2 * MAX_HEADERS) {
    return tooManyHeaders(`The request has more than ${MAX_HEADERS} headers.`);
  }
  const repeated = repeatedName(rawHeaders, single);
  if (repeated !== undefined) return invalidField(`headers.${repeated}`, 'must be sent once');
  // Node would respond to this itself, without a problem document.
  if (headers.host === undefined && httpVersion === '1.1') return invalidField('headers.host', 'is required');
  if (headers.expect !== undefined && !/^100-continue$/i.test(headers.expect)) {
    return new AppError(417, 'validation_failed', 'The header Expect can only be 100-continue.');
  }
  // Fastify would refuse a malformed media type before any guard runs, and the request would not be counted.
  if (headers['content-type'] !== undefined && request.mediaType === undefined) return unsupportedMediaType();
  return undefined;
}

function repeatedName(rawHeaders: string[], single: ReadonlySet<string>): string | undefined {
  let seen: string[] | undefined;
  for (let index = 0; index < rawHeaders.length; index += 2) {
    const name = rawHeaders[index]?.toLowerCase() ?? '';
    if (!single.has(name)) continue;
    if (seen?.includes(name)) return name;
    (seen ??= []).push(name);
  }
  return undefined;
}
