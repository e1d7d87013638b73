import { rateLimited } from '../../../common/errors/app-error.js';
import { githubTokenRefused, rateLimitWait } from '../../github/github-failure.js';

/** The size limit of one answer in bytes. It is far above what is passed on. */
const MAX_ANSWER = 8 * 1024 ** 2;
/** Closing the session must not delay anything. */
const GOODBYE_TIMEOUT = 2_000;

/**
 * `fetch` for the MCP client. Without it, the client would wait forever for an answer after a broken connection, and
 * would read an answer of any size. It opens no stream besides the answers, because messages that the server sends
 * unasked are not needed.
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

/** Failures with a meaning of their own: a refused token, and too many requests. */
function refuse(response: Response): void {
  const wait = rateLimitWait(response);
  if (wait === undefined && response.status !== 401 && response.status !== 403) return;
  void response.body?.cancel().catch(() => undefined);
  throw wait === undefined
    ? githubTokenRefused()
    : rateLimited(`GitHub is rate limiting requests. Try again in ${wait} s.`, wait);
}

/**
 * Reads until the end, a broken connection or the limit. A broken or too long stream then reports the failure itself,
 * in place of its answer.
 */
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

/** After an answer, nothing waits for this error. Without an answer, this error is the answer. */
function brokenAnswer(request: RequestInit['body']): Uint8Array | undefined {
  if (typeof request !== 'string') return undefined;
  const { id } = JSON.parse(request) as { id?: unknown };
  const error = { code: -32000, message: 'The connection was lost before the response was complete.' };
  return new TextEncoder().encode(`\n\ndata: ${JSON.stringify({ jsonrpc: '2.0', id, error })}\n\n`);
}
