import { Agent, type Dispatcher, request } from 'undici';

/** Silence has deadlines of its own (see `Deadline`); the client's would only hide them. */
const dispatcher = new Agent({ headersTimeout: 0, bodyTimeout: 0, keepAliveTimeout: 30_000, pipelining: 1 });

/**
 * `fetch` for the calls of model providers, by the quicker road: the global one costs as much as the rest of a call
 * together, and its byte streams cost again with each token. What the AI SDK does not send (bodies that are no text) goes
 * through the global one.
 */
export const upstreamFetch: typeof fetch = async (input, init) => {
  const { method = 'GET', body, signal } = init ?? {};
  if (typeof input === 'object' && !(input instanceof URL)) return fetch(input, init);
  if (body !== undefined && body !== null && typeof body !== 'string') return fetch(input, init);
  const headers = { ...Object.fromEntries(new Headers(init?.headers)), 'accept-encoding': 'identity' };
  let response: Dispatcher.ResponseData;
  try {
    response = await request(input, {
      method: method,
      headers,
      body,
      signal,
      dispatcher,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    // As `fetch` says it, and whoever handles its errors looks for.
    throw new TypeError('fetch failed', { cause: error });
  }
  const { statusCode, headers: received } = response;
  const hasBody = statusCode !== 204 && statusCode !== 304;
  return new Response(hasBody ? toWebStream(response.body) : null, {
    status: statusCode,
    headers: Object.entries(received).flatMap(([name, value]): Array<[string, string]> =>
      value === undefined ? [] : [value].flat().map((item) => [name, item]),
    ),
  });
};

/** Chunks as they come, without the copies of a byte stream; the source waits while nobody reads. */
function toWebStream(body: Dispatcher.ResponseData['body']): ReadableStream<Uint8Array> {
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        body.on('data', (chunk: Uint8Array) => {
          controller.enqueue(chunk);
          if ((controller.desiredSize ?? 0) <= 0) body.pause();
        });
        body.once('end', () => controller.close());
        body.once('error', (error) => controller.error(error));
      },
      pull: () => void body.resume(),
      cancel: (reason) => void body.destroy(reason instanceof Error ? reason : undefined),
    },
    { highWaterMark: 16 },
  );
}
