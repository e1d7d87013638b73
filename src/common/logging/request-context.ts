import { AsyncLocalStorage } from 'node:async_hooks';

/** The fields of every log line of a request, and the secrets that must never appear in one. */
export interface RequestContext {
  requestId: string;
  userId?: string;
  /** Keys and tokens sent with the request. The logger removes them from everything it writes. */
  secrets: string[];
  /**
   * The pattern that finds `secrets` in a text. It is built when the first text of the request is scrubbed, which is
   * rare.
   */
  secretPattern?: RegExp;
}

export const requestContext = new AsyncLocalStorage<RequestContext>();
