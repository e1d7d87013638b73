import type { FastifyRequest } from 'fastify';
import { invalidField } from '../../common/errors/app-error.js';
import { type Provider, PROVIDERS, VENDORS } from './vendors/vendors.js';

/**
 * The keys that a request carries, by provider, and the token for GitHub. They live as long as the work of the request
 * and are never stored or logged.
 */
export type UserKeys = Partial<Record<Provider | 'github', string>>;

export const GITHUB_TOKEN_HEADER = 'x-github-token';

/** A key is one line of printable ASCII. Anything else could not be sent in a header. */
const KEY = /^[\x21-\x7e]{1,512}$/;

/** @throws AppError 400 naming the header if the value cannot be a key */
export function userKeysOf(request: FastifyRequest): UserKeys {
  const keys: UserKeys = {};
  for (const provider of [...PROVIDERS, 'github'] as const) {
    const header = provider === 'github' ? GITHUB_TOKEN_HEADER : VENDORS[provider].keyHeader;
    const value = request.headers[header];
    if (value === undefined || value === '') continue;
    if (typeof value !== 'string' || !KEY.test(value))
      throw invalidField(`headers.${header}`, 'is not a valid key');
    keys[provider] = value;
  }
  return keys;
}
