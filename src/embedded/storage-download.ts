import { attachment } from '../common/http/content-disposition.js';
import type { RequestTarget } from './request-target.js';

/** Users' files are served from the API's origin, so a browser that opens one must not run scripts in it. */
const INERT = {
  'content-security-policy':
    "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:; media-src data:",
  'x-content-type-options': 'nosniff',
};

/** Types that browsers show without running scripts. SVG can contain scripts. */
const SHOWN =
  /^(?:image\/(?:png|jpeg|gif|webp|avif|bmp)|(?:audio|video)\/[\w.+-]+|application\/pdf|text\/plain)(?: *;|$)/i;

/** Adds safe headers to a file. `?download=` saves it under a name, as on Supabase. */
export function withSafeContent(response: Response, { segments, query }: RequestTarget): Response {
  const headers = new Headers(response.headers);
  for (const [name, value] of Object.entries(INERT)) headers.set(name, value);
  const wanted = query.get('download');
  const type = headers.get('content-type') ?? '';
  const isJson = /^application\/json(?: *;|$)/i.test(type);
  if (response.ok && segments[0] === 'object' && (wanted !== null || !(SHOWN.test(type) || isJson))) {
    headers.set('content-disposition', attachment(wanted || decodeURIComponent(segments.at(-1) ?? 'file')));
  }
  return new Response(response.body, { status: response.status, headers });
}
