/** Where the servers are, and the key that Supabase wants from browsers. */
export interface Settings {
  apiUrl: string;
  supabaseUrl: string;
  publishableKey: string;
}

/**
 * By default, everything is on the origin of the page, and the server says which key to use. `VITE_API_URL` names
 * another server, `VITE_SUPABASE_URL` and `VITE_SUPABASE_PUBLISHABLE_KEY` a Supabase project.
 */
export async function loadSettings(): Promise<Settings> {
  const { VITE_API_URL, VITE_SUPABASE_URL, VITE_SUPABASE_PUBLISHABLE_KEY } = import.meta.env;
  const apiUrl = withoutSlash(VITE_API_URL || new URL('.', document.baseURI).href);
  if (VITE_SUPABASE_URL && VITE_SUPABASE_PUBLISHABLE_KEY) {
    return {
      apiUrl,
      supabaseUrl: withoutSlash(VITE_SUPABASE_URL),
      publishableKey: VITE_SUPABASE_PUBLISHABLE_KEY,
    };
  }
  const response = await fetch(`${apiUrl}/web-config.json`);
  if (!response.ok) throw new Error(`The server at ${apiUrl} does not serve web clients.`);
  const served = (await response.json()) as { publishableKey: string; supabaseUrl?: string };
  return { apiUrl, supabaseUrl: served.supabaseUrl ?? apiUrl, publishableKey: served.publishableKey };
}

function withoutSlash(url: string): string {
  return url.replace(/[#?].*$/, '').replace(/\/+$/, '');
}
