import { Agent, type Dispatcher, request } from 'undici';
import { noteOnlyPrepared, noteSent, noteSignOfLife } from './deadline.js';
import { decodedBody } from './response-decoder.js';
import { responseStream } from './response-stream.js';
import type { StreamEnd } from './vendors/vendor.js';

/**
 * Deadlines for silence are separate (see `Deadline`). The client's own timeouts would only hide them. With HTTP/2, calls
 * would wait for each other's connection attempts.
 */
const dispatcher = new Agent({
  headersTimeout: 0,
  bodyTimeout: 0,
  keepAliveTimeout: 30_000,
  pipelining: 1,
  allowH2: false,
}).compose(notingSent, joiningChunks);

/** The codes of errors without a connection. */
const UNCONNECTED = new Set<string | undefined>([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'UND_ERR_CONNECT_TIMEOUT',
]);

const MAX_REDIRECTS = 5;
/** Redirects that repeat the request unchanged. Others would turn it into a GET. */
const REPEATING = new Set([307, 308]);

/**
 * A faster `fetch` for calls of model providers. The global one costs as much time as the rest of a call, and its byte
 * streams add more for each token. Requests that the AI SDK does not send (with bodies that are not text) use the
 * global one.
 *
 * Redirects are followed within the same origin only, because the request headers carry a key.
 *
 * @param streamEnd how the vendor's streams say that they are complete
 */
export function createUpstreamFetch(streamEnd?: StreamEnd): typeof fetch {
  return async (input, init) => {
    if (typeof input === 'object' && !(input instanceof URL)) return fetch(input, init);
    let url = new URL(input);
    for (let redirects = 0; ; redirects++) {
      const response = await send(url, init, streamEnd);
      const next = redirects < MAX_REDIRECTS ? targetOf(response, url) : undefined;
      if (!next) return response;
      await response.body?.cancel();
      url = next;
    }
  };
}

/** The URL to repeat the request at, or undefined if the response is not a redirect that is followed. */
function targetOf({ status, headers }: Response, from: URL): URL | undefined {
  const location = headers.get('location');
  if (!REPEATING.has(status) || location === null || !URL.canParse(location, from)) return undefined;
  const target = new URL(location, from);
  return target.origin === from.origin ? target : undefined;
}

async function send(
  url: URL,
  init: RequestInit | undefined,
  streamEnd: StreamEnd | undefined,
): Promise<Response> {
  const { method = 'GET', body, signal } = init ?? {};
  if (body !== undefined && body !== null && typeof body !== 'string') {
    noteSent(signal);
    const answer = await fetch(url, { ...init, redirect: 'manual' }).catch((error: unknown) => {
      if (UNCONNECTED.has(codeOf(error))) noteOnlyPrepared(signal);
      throw error;
    });
    noteSignOfLife(signal);
    return answer;
  }
  const headers: Record<string, string> = { ...plainHeaders(init?.headers), 'accept-encoding': 'identity' };
  if (body) headers['content-length'] = String(Buffer.byteLength(body));
  let response: Dispatcher.ResponseData;
  try {
    // The documentation of the client has iterable bodies, its types do not.
    const sent = body ? (new SentOnce(body) as unknown as Buffer) : undefined;
    const sending = request(url, { method, headers, body: sent, signal, dispatcher });
    response = await (signal ? unlessAborted(sending, signal) : sending);
  } catch (error) {
    if (signal?.aborted) throw error;
    // The error that `fetch` would throw, and that error handlers expect.
    throw new TypeError('fetch failed', { cause: error });
  }
  noteSignOfLife(signal);
  const { statusCode, headers: received } = response;
  const hasBody = statusCode !== 204 && statusCode !== 304;
  // Some servers and proxies compress responses even if the request asks them not to.
  const decoded = decodedBody(response.body, received['content-encoding']);
  const contentType = String(received['content-type']);
  const passed = responseStream({ body: decoded ?? response.body, contentType, signal, streamEnd });
  return new Response(hasBody ? passed : null, {
    status: statusCode,
    headers: Object.entries(received).flatMap(([name, value]): Array<[string, string]> =>
      value === undefined || (decoded && /^content-(?:encoding|length)$/.test(name))
        ? []
        : [value].flat().map((item) => [name, item]),
    ),
  });
}

/**
 * The body of a request, which is given away when it is sent. The client keeps a body until the response has ended, and
 * a conversation is larger than everything else that a stream needs.
 */
class SentOnce {
  private text?: string;

  constructor(text: string) {
    this.text = text;
  }

  [Symbol.iterator](): Iterator<string> {
    return {
      next: () => {
        const { text } = this;
        this.text = undefined;
        return text === undefined ? { done: true, value: undefined } : { done: false, value: text };
      },
    };
  }
}

function codeOf(error: unknown): string | undefined {
  return (error as { cause?: { code?: string } } | null)?.cause?.code;
}

/** Notes the moment at which a request is written to its connection. Before that, the vendor cannot know of it. */
function notingSent(dispatch: Dispatcher.Dispatch): Dispatcher.Dispatch {
  return (options, handler) => {
    const { signal } = options as Dispatcher.RequestOptions;
    const begin = handler.onRequestStart?.bind(handler);
    // There is one handler for each request.
    handler.onRequestStart = (controller, context) => {
      begin?.(controller, context);
      if (signal instanceof AbortSignal && !controller.aborted) noteSent(signal);
    };
    return dispatch(options, handler);
  };
}

/**
 * Joins the chunks of a response that arrive together. A fast answer comes as many small chunks, and each pause between
 * two of them would make the client parse everything behind it anew: with full buffers, a thousand times.
 */
function joiningChunks(dispatch: Dispatcher.Dispatch): Dispatcher.Dispatch {
  return (options, handler) => {
    const receive = handler.onResponseData?.bind(handler);
    const end = handler.onResponseEnd?.bind(handler);
    const fail = handler.onResponseError?.bind(handler);
    let chunks: Buffer[] = [];
    const pass = (controller: Dispatcher.DispatchController) => {
      const [first, ...others] = chunks;
      chunks = [];
      if (first) receive?.(controller, others.length === 0 ? first : Buffer.concat([first, ...others]));
    };
    handler.onResponseData = (controller, chunk) => {
      if (chunks.push(chunk) > 1) return;
      queueMicrotask(() => {
        try {
          pass(controller);
        } catch (error) {
          controller.abort(error as Error);
        }
      });
    };
    handler.onResponseEnd = (controller, trailers) => {
      pass(controller);
      end?.(controller, trailers);
    };
    handler.onResponseError = (controller, error) => {
      pass(controller);
      fail?.(controller, error);
    };
    return dispatch(options, handler);
  };
}

/** The client itself ends a request only when it has a connection. A server may accept one, and never finish TLS. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  const aborted = Promise.withResolvers<never>();
  const onAbort = () => aborted.reject(signal.reason as Error);
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  try {
    return await Promise.race([work, aborted.promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    work.catch(() => undefined);
    aborted.promise.catch(() => undefined);
  }
}

/** The AI SDK passes an object with names in lower case. */
function plainHeaders(headers: RequestInit['headers'] = {}): Record<string, string> {
  const isPlain = Object.getPrototypeOf(headers) === Object.prototype;
  return isPlain ? (headers as Record<string, string>) : Object.fromEntries(new Headers(headers));
}
