import type { ServerOptions } from 'node:http';

/** A client that has not sent its headers by then never will. */
const HEADERS_TIMEOUT = 10_000;
/** The route's own deadline ends first, because it can respond with the request's id. */
const GRACE = 5_000;
const CHECK_INTERVAL = 2_000;

/**
 * Deadlines of Node's HTTP server for incomplete requests: headers that never end, and bodies that no route reads. They
 * apply only until the request is complete, so they never cut off an answer, however long it streams.
 */
export function deadlinesOf(
  requestTimeout: number,
  longestRequest = requestTimeout,
): { requestTimeout: number; http: ServerOptions } {
  const longest = Math.max(requestTimeout, longestRequest) + GRACE;
  return {
    requestTimeout: longest,
    http: {
      headersTimeout: Math.min(HEADERS_TIMEOUT, requestTimeout),
      requestTimeout: longest,
      connectionsCheckingInterval: Math.min(CHECK_INTERVAL, requestTimeout),
      // The hooks refuse a request without a host, with a problem document.
      requireHostHeader: false,
    },
  };
}
