import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import { createContext, use, type ReactNode } from 'react';
import { ApiError, parseProblem } from './problem.ts';
import type { Settings } from './settings.ts';
import type { Page } from './types.ts';

export interface RequestOptions {
  method?: string;
  body?: unknown;
  headers?: Record<string, string>;
  signal?: AbortSignal;
}

/** The two servers: Supabase for sign-in and files, and the API for everything else. */
export interface Backend {
  apiUrl: string;
  supabase: SupabaseClient;
  /** Sends a request as the user who is signed in. */
  send: (path: string, options?: RequestOptions) => Promise<Response>;
  /** Sends a request and reads the JSON of the response. */
  call: <Result>(path: string, options?: RequestOptions) => Promise<Result>;
  /** Reads all pages of a list. */
  callAll: <Item>(path: string) => Promise<Item[]>;
  /** The current access token. Supabase's client refreshes it in time. */
  authorization: () => Promise<Record<string, string>>;
}

export function createBackend({ apiUrl, supabaseUrl, publishableKey }: Settings): Backend {
  const supabase = createClient(supabaseUrl, publishableKey, { auth: { flowType: 'pkce' } });

  const authorization: Backend['authorization'] = async () => {
    const { data } = await supabase.auth.getSession();
    const headers: Record<string, string> = {};
    if (data.session) headers['Authorization'] = `Bearer ${data.session.access_token}`;
    return headers;
  };

  const send: Backend['send'] = async (path, { method = 'GET', body, headers, signal } = {}) => {
    const response = await fetch(`${apiUrl}${path}`, {
      method,
      headers: {
        ...(await authorization()),
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal,
    });
    if (response.ok) return response;
    const text = await response.text();
    throw new ApiError(
      parseProblem(text) ?? {
        title: response.statusText,
        status: response.status,
        detail: '',
        code: 'internal',
      },
    );
  };

  const call: Backend['call'] = async <Result,>(path: string, options?: RequestOptions) => {
    const response = await send(path, options);
    return (response.status === 204 ? undefined : await response.json()) as Result;
  };

  const callAll: Backend['callAll'] = async <Item,>(path: string) => {
    const items: Item[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const search = new URLSearchParams({ limit: '100', ...(cursor && { cursor }) });
      const page: Page<Item> = await call<Page<Item>>(`${path}?${search}`);
      items.push(...page.items);
      cursor = page.nextCursor;
    }
    return items;
  };

  return { apiUrl, supabase, authorization, send, call, callAll };
}

const BackendContext = createContext<Backend | undefined>(undefined);

export function BackendProvider({ backend, children }: { backend: Backend; children: ReactNode }) {
  return <BackendContext value={backend}>{children}</BackendContext>;
}

export function useBackend(): Backend {
  const backend = use(BackendContext);
  if (!backend) throw new Error('There is no BackendProvider.');
  return backend;
}
