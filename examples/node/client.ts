import { createClient } from '@supabase/supabase-js';
import createApiClient, { type Client, type Middleware } from 'openapi-fetch';
// `npm run generate` writes this file from openapi.json.
import type { paths } from './api.ts';

export interface Session {
  /** Knows every route, its parameters, its body and its answers. */
  api: Client<paths>;
  userId: string;
}

/** Signs in, or up if there is no such user yet, and returns a client for the API. */
export async function signIn(
  url: string,
  publishableKey: string,
  credentials: { email: string; password: string },
): Promise<Session> {
  const { auth } = createClient(url, publishableKey, { auth: { persistSession: false } });
  const known = await auth.signInWithPassword(credentials);
  const { data, error } = known.error ? await auth.signUp(credentials) : known;
  if (error) throw error;
  if (!data.session) throw new Error('Confirm the email address first.');

  const api = createApiClient<paths>({ baseUrl: url });
  const withToken: Middleware = {
    async onRequest({ request }) {
      // supabase-js refreshes the token when it is about to expire.
      const { data: current } = await auth.getSession();
      request.headers.set('Authorization', `Bearer ${current.session?.access_token}`);
      return request;
    },
  };
  api.use(withToken);
  return { api, userId: data.session.user.id };
}

/** The body of a successful answer. Errors are problem documents with a stable `code`. */
export function bodyOf<Data>(answer: { data?: Data; error?: unknown; response: Response }): Data {
  if (answer.response.ok) return answer.data as Data;
  const problem = answer.error as { code?: string; detail?: string; requestId?: string } | undefined;
  throw new Error(
    `${answer.response.status} ${problem?.code}: ${problem?.detail} (request ${problem?.requestId})`,
  );
}
