/** Where clients reach the two services that the embedded stack has. */
const SERVICES = { auth: '/auth/v1/', storage: '/storage/v1/' } as const;

export type ServiceName = keyof typeof SERVICES;

/** A request target that means exactly what it says. */
export interface RequestTarget {
  service: ServiceName;
  /** What follows the service's prefix, as it was sent: none is empty, and none changes when a URL is normalized. */
  segments: string[];
  query: URLSearchParams;
  /** Path and query, spelt in the one way that every reader understands alike. */
  href: string;
}

/** A path's characters (RFC 3986) with whole percent-encodings. A backslash is not among them. */
const PATH = /^(?:[\w\-.~!$&'()*+,;=:@/]|%[\da-f]{2})*$/i;

/** Encoded separators, control characters, and a percent sign that a second decoding would read again. */
const AMBIGUOUS = /%(?:2f|5c|25|7f|[01][\da-f])/i;

/** The longest path or query of a request that clients have reason to send. */
const MAX_LENGTH = 8_192;

/** Any base works: the URL is made only to compare paths. */
const ANY_ORIGIN = 'http://localhost';

/**
 * Reads a request's target, as it stands in the request line; undefined when it names no service, or when its path is
 * not in normal form. A path that another reader could take for a different one is refused, never mended.
 */
export function readTarget(sent: string): RequestTarget | undefined {
  if (sent.length > MAX_LENGTH || !sent.startsWith('/')) return undefined;
  const mark = sent.indexOf('?');
  const path = mark === -1 ? sent : sent.slice(0, mark);
  const found = Object.entries(SERVICES).find(([, prefix]) => path.startsWith(prefix));
  if (!found || !PATH.test(path) || AMBIGUOUS.test(path)) return undefined;
  const [service, prefix] = found as [ServiceName, string];
  const segments = path.slice(prefix.length).split('/');
  if (segments.some((segment) => /^(?:\.|%2e)*$/i.test(segment) || !isDecodable(segment))) return undefined;
  const query = firstOfEach(mark === -1 ? '' : sent.slice(mark + 1));
  if (!query) return undefined;
  if (new URL(path, ANY_ORIGIN).pathname !== path) return undefined;
  const search = query.toString();
  return { service, segments, query, href: search === '' ? path : `${path}?${search}` };
}

/** Each parameter once, so that no two readers choose different values of it; undefined when one can't be stored. */
function firstOfEach(search: string): URLSearchParams | undefined {
  const query = new URLSearchParams();
  for (const [name, value] of new URLSearchParams(search)) {
    if (`${name}${value}`.includes('\0')) return undefined;
    if (!query.has(name)) query.append(name, value);
  }
  return query;
}

function isDecodable(segment: string): boolean {
  try {
    decodeURIComponent(segment);
    return true;
  } catch {
    return false;
  }
}
