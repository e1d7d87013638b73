/** The URL prefixes of the two services of the embedded stack. */
const SERVICES = { auth: '/auth/v1/', storage: '/storage/v1/' } as const;

export type ServiceName = keyof typeof SERVICES;

/** A request target with an unambiguous meaning. */
export interface RequestTarget {
  service: ServiceName;
  /** The segments after the service's prefix, as sent. None is empty, and URL normalization changes none of them. */
  segments: string[];
  query: URLSearchParams;
  /** Path and query in the one spelling that every parser understands the same way. */
  href: string;
}

/** The characters of a path (RFC 3986) with complete percent-encodings. A backslash is not allowed. */
const PATH = /^(?:[\w\-.~!$&'()*+,;=:@/]|%[\da-f]{2})*$/i;

/** Encoded separators, control characters, and percent signs that a second decoding would interpret. */
const AMBIGUOUS = /%(?:2f|5c|25|7f|[01][\da-f])/i;

/** The longest path or query that clients have a reason to send. */
const MAX_LENGTH = 8_192;

/** Any base works: the URL is only used to compare paths. */
const ANY_ORIGIN = 'http://localhost';

/**
 * Parses a request's target from the request line. Returns undefined if it names no service, or if its path is not in
 * normal form. A path that another parser could interpret differently is refused, never corrected.
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

/**
 * Each parameter may occur once, so that no two parsers use different values. Undefined if a value cannot be stored.
 */
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
