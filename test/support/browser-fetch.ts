/** A request that a browser would first have to ask the server about. */
export interface CrossOriginRequest {
  method: string;
  url: string;
  /** Names of the headers that a page may send only with the server's permission. */
  headers: string[];
  /** Names of the response headers that the client read. */
  read: Set<string>;
  /** Names of the response headers that the server let scripts read. */
  exposed: string[];
}

/** The headers that every page may send and read, by the Fetch standard. */
const SAFE_REQUEST_HEADERS = new Set(['accept', 'accept-language', 'content-language']);
const SAFE_CONTENT_TYPES = /^(?:application\/x-www-form-urlencoded|multipart\/form-data|text\/plain)\b/;
const SAFE_RESPONSE_HEADERS = new Set([
  'cache-control',
  'content-language',
  'content-length',
  'content-type',
  'expires',
  'last-modified',
  'pragma',
]);

/** A `fetch` that records what an unmodified client sends and reads. */
export function recordingFetch(): { fetch: typeof fetch; requests: CrossOriginRequest[] } {
  const requests: CrossOriginRequest[] = [];
  const recording = async (input: RequestInfo | URL, init?: RequestInit): Promise<Response> => {
    const request = new Request(input, { ...init, ...(init?.body ? { duplex: 'half' } : {}) });
    const response = await fetch(input, init);
    const read = new Set<string>();
    requests.push({
      method: request.method,
      url: request.url,
      headers: [...request.headers].filter(([name, value]) => !isSafe(name, value)).map(([name]) => name),
      read,
      exposed: namesOf(response.headers.get('access-control-expose-headers')),
    });
    return new Proxy(response, {
      get: (target, property) => {
        if (property === 'headers') return recordReads(target.headers, read);
        const value: unknown = Reflect.get(target, property, target);
        return typeof value === 'function' ? (value.bind(target) as unknown) : value;
      },
    });
  };
  return { fetch: recording, requests };
}

/** Why a browser would not let a page on `origin` do this, or an empty list. */
export async function browserObjections(request: CrossOriginRequest, origin: string): Promise<string[]> {
  const { method, url, headers, read, exposed } = request;
  const preflight = await fetch(url, {
    method: 'OPTIONS',
    headers: {
      origin,
      'access-control-request-method': method,
      ...(headers.length > 0 ? { 'access-control-request-headers': headers.toSorted().join(',') } : {}),
    },
  });
  const allowedOrigin = preflight.headers.get('access-control-allow-origin');
  const methods = namesOf(preflight.headers.get('access-control-allow-methods'));
  const allowed = namesOf(preflight.headers.get('access-control-allow-headers'));
  return [
    ...(preflight.ok ? [] : [`the preflight failed with ${preflight.status}`]),
    ...(allowedOrigin === '*' || allowedOrigin === origin ? [] : [`${origin} is not allowed`]),
    ...(['get', 'head', 'post', ...methods].includes(method.toLowerCase())
      ? []
      : [`${method} is not allowed`]),
    // A `*` stands for all headers but `Authorization`.
    ...headers
      .filter((name) => !allowed.includes(name) && (name === 'authorization' || !allowed.includes('*')))
      .map((name) => `${name} is not allowed`),
    ...[...read]
      .filter((name) => !SAFE_RESPONSE_HEADERS.has(name) && !exposed.includes(name))
      .map((name) => `${name} is not exposed`),
  ];
}

function isSafe(name: string, value: string): boolean {
  return SAFE_REQUEST_HEADERS.has(name) || (name === 'content-type' && SAFE_CONTENT_TYPES.test(value));
}

function namesOf(list: string | null): string[] {
  return (list ?? '')
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '');
}

function recordReads(headers: Headers, read: Set<string>): Headers {
  return new Proxy(headers, {
    get: (target, property) => {
      const value: unknown = Reflect.get(target, property, target);
      if (typeof value !== 'function') return value;
      return (...parameters: unknown[]) => {
        if ((property === 'get' || property === 'has') && typeof parameters[0] === 'string') {
          read.add(parameters[0].toLowerCase());
        }
        return (value as (...all: unknown[]) => unknown).apply(target, parameters);
      };
    },
  });
}
