import { rateLimited } from '../../../common/errors/app-error.js';
import { githubTokenRefused, rateLimitWait } from '../../github/github-failure.js';

/** Of one answer, in bytes; far more than is passed on of it. */
const MAX_ANSWER = 8 * 1024 ** 2;
/** Saying goodbye must not keep anything. */
const GOODBYE_TIMEOUT = 2_000;

/**
 * `fetch` for the MCP client, which would wait in vain for an answer whose connection breaks, and read an answer of any
 * size. Nothing is listened to beside the answers: what the server would say unasked is not wanted.
 */
export const mcpFetch = async (input: string | URL | Request, init: RequestInit = {}): Promise<Response> => {
  if (init.method === 'GET') return new Response(null, { status: 405 });
  const signal = init.method === 'DELETE' ? AbortSignal.timeout(GOODBYE_TIMEOUT) : init.signal;
  const response = await fetch(input, { ...init, signal });
  refuse(response);
  if (!response.body) return response;
  const isStream = response.headers.get('content-type')?.includes('text/event-stream') ?? false;
  const ending = isStream ? brokenAnswer(init.body) : undefined;
  return new Response(bounded(response.body, ending), { status: response.status, headers: response.headers });
};

/** What has a meaning of its own: a token that is not taken, and too many requests. */
function refuse(response: Response): void {
  const wait = rateLimitWait(response);
  if (wait === undefined && response.status !== 401 && response.status !== 403) return;
  void response.body?.cancel().catch(() => undefined);
  throw wait === undefined
    ? githubTokenRefused()
    : rateLimited(`GitHub is rate limiting requests. Try again in ${wait} s.`, wait);
}

/** Reads on until the end, a broken connection, or too much. A stream then says so itself, in place of its answer. */
function bounded(
  body: ReadableStream<Uint8Array>,
  ending: Uint8Array | undefined,
): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let size = 0;
  return new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await reader.read();
        size += value?.byteLength ?? 0;
        if (size > MAX_ANSWER) throw new Error('The response is too large.');
        if (value) return controller.enqueue(value);
        if (!done) return;
      } catch (error) {
        void reader.cancel().catch(() => undefined);
        if (!ending) return controller.error(error);
      }
      if (ending) controller.enqueue(ending);
      controller.close();
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

/** After an answer nobody waits for this any more; without one, it is the answer. */
function brokenAnswer(request: RequestInit['body']): Uint8Array | undefined {
  if (typeof request !== 'string') return undefined;
  const { id } = JSON.parse(request) as { id?: unknown };
  const error = { code: -32000, message: 'The connection was lost before the response was complete.' };
  return new TextEncoder().encode(`\n\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, error })}\n\n`);
}
