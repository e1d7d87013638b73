import type { Span } from '@opentelemetry/api';
import type { FastifyRequest } from 'fastify';
import { markFailed, remoteParent, SPAN_KIND, startSpan } from '../observability/spans.js';

/** Begins the span of a request. Health checks and metrics have none. */
export function startRequestSpan({ method, routeOptions, headers, id }: FastifyRequest): Span | undefined {
  const route = routeOptions.url;
  if (route?.startsWith('/health') || route === '/metrics') return undefined;
  return startSpan(
    route === undefined ? method : `${method} ${route}`,
    {
      kind: SPAN_KIND.server,
      attributes: {
        'http.request.method': method,
        ...(route === undefined ? {} : { 'http.route': route }),
        'switchboard.request_id': id,
      },
    },
    remoteParent(headers.traceparent),
  );
}

/** Ends it with the response, which for a stream is after its last chunk. */
export function endRequestSpan(span: Span | undefined, status: number): void {
  if (!span) return;
  span.setAttribute('http.response.status_code', status);
  if (status >= 500) markFailed(span, String(status));
  span.end();
}
