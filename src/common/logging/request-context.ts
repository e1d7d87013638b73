import { AsyncLocalStorage } from 'node:async_hooks';

/** What every log line of a request carries, and what must never appear in one. */
export interface RequestContext {
  requestId: string;
  userId?: string;
  /** Keys and tokens that came with the request; the logger removes them from whatever it writes. */
  secrets: string[];
  /** What finds `secrets` in a text; made when the first text of the request is scrubbed, which seldom happens. */
  secretPattern?: RegExp;
}

export const requestContext = new AsyncLocalStorage<RequestContext>();
