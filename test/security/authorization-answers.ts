import type { FastifyInstance } from 'fastify';
import type { TestApp, TestResponse } from '../support/app.js';

/** The problem of a response that should be this error. */
export function notProblem(
  { status, headers, body }: TestResponse,
  expected: number,
  code: string,
): string[] {
  const isRight =
    status === expected &&
    body?.code === code &&
    body.status === expected &&
    body.type === 'about:blank' &&
    typeof body.title === 'string' &&
    typeof body.detail === 'string' &&
    body.requestId === headers.get('x-request-id') &&
    headers.get('content-type')?.startsWith('application/problem+json') === true;
  return isRight ? [] : [`answered ${status} ${body?.code ?? ''}, not ${expected} ${code}`];
}

/** The content of a response without the parts that differ each time. */
export function told({ status, headers, text }: TestResponse): string {
  const names = [...headers.keys()].filter((name) => !name.startsWith('ratelimit-')).sort();
  const isStream = headers.get('content-type')?.startsWith('text/event-stream') ?? false;
  const words = text
    .replaceAll(headers.get('x-request-id') ?? '', '<request>')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>');
  return JSON.stringify([status, names.filter((name) => name !== 'content-length'), isStream ? '' : words]);
}

export const isGood = ({ status }: TestResponse) => status >= 200 && status < 300;

/** Reads Fastify's own table of routes. */
export function registeredRoutes({ app }: TestApp): Array<{ method: string; path: string }> {
  const fastify: FastifyInstance = app.getHttpAdapter().getInstance();
  const above: string[] = [];
  return fastify
    .printRoutes({ commonPrefix: false })
    .split('\n')
    .flatMap((line) => {
      const match = /^([│├└─\s]*)(\S+)(?: \(([A-Z, -]+)\))?/.exec(line);
      if (!match) return [];
      const [, indent = '', segment = '', methods] = match;
      const depth = indent.length / 4;
      above.length = depth;
      above[depth] = segment;
      const path = above
        .slice(1)
        .join('')
        .replaceAll(/:(\w+)/g, '{$1}');
      return (methods?.split(', ') ?? []).map((method) => ({ method, path }));
    });
}
