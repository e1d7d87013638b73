import type { App } from '@supabase/lite';

type Fields = Record<string, unknown>;

const PREFIX = '/storage/v1';

/**
 * Makes the embedded storage speak as Supabase's clients do: they send a browser's files as a form whose file has no
 * name, and look for signed addresses under names, and at a base, of their own.
 */
export class StorageService {
  constructor(private readonly app: App) {}

  async handle(request: Request): Promise<Response> {
    const { pathname } = new URL(request.url);
    const isForm = request.headers.get('content-type')?.startsWith('multipart/form-data');
    const response = await this.app.fetch(
      isForm && pathname.startsWith(`${PREFIX}/object/`) ? await withoutForm(request) : request,
    );
    if (!response.ok || !pathname.includes('/sign/') || request.method !== 'POST') return response;
    const body: unknown = await response.json();
    const named = Array.isArray(body) ? body.map(withClientNames) : withClientNames(body);
    return Response.json(named, { status: response.status });
  }
}

/** The file of a form as the body itself, with what the form says of it in headers. */
async function withoutForm(request: Request): Promise<Request> {
  const form = await request.formData();
  const file = [...form.values()].find((value) => value instanceof File);
  const headers = new Headers(request.headers);
  headers.delete('content-length');
  headers.set('content-type', file?.type || 'application/octet-stream');
  const cacheControl = form.get('cacheControl');
  if (typeof cacheControl === 'string') headers.set('cache-control', `max-age=${cacheControl}`);
  const metadata = form.get('metadata');
  if (typeof metadata === 'string') headers.set('x-metadata', Buffer.from(metadata).toString('base64'));
  return new Request(request.url, { method: request.method, headers, body: file ?? null });
}

function withClientNames(body: unknown): unknown {
  const fields = body as Fields;
  const signed = fields['signedUrl'];
  if (typeof signed !== 'string') return body;
  const url = signed.startsWith(PREFIX) ? signed.slice(PREFIX.length) : signed;
  return { ...fields, url, signedURL: url || null };
}
