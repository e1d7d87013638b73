import { Chat } from '@ai-sdk/react';
import { createClient } from '@supabase/supabase-js';
import { DefaultChatTransport } from 'ai';
import { KEY_HEADERS } from '../../src/modules/models/vendors/vendors.js';
import { browserObjections, type CrossOriginRequest, recordingFetch } from '../support/browser-fetch.js';
import { EmbeddedServer, PASSWORD } from '../support/embedded-server.js';

const ORIGIN = 'https://app.example';

/** Unmodified clients, with the rules that a browser applies to a page on another origin. */
describe.each([
  ['any origin', {}],
  ['its own list of origins', { CORS_ORIGINS: ORIGIN }],
])('clients in a browser, with %s', (_name, environment: Record<string, string>) => {
  let server: EmbeddedServer;

  beforeAll(async () => {
    server = await EmbeddedServer.start(environment);
  });

  afterAll(() => server?.stop());

  /** Every request of a client, with what a browser would object to. */
  async function objections(requests: CrossOriginRequest[]): Promise<Array<[string, string[]]>> {
    const all: Array<[string, string[]]> = [];
    for (const request of requests) {
      const found = await browserObjections(request, ORIGIN);
      if (found.length > 0) all.push([`${request.method} ${new URL(request.url).pathname}`, found]);
    }
    return all;
  }

  function supabase() {
    const { fetch, requests } = recordingFetch();
    const client = createClient(server.url, server.secrets.publishableKey, {
      auth: { persistSession: false, autoRefreshToken: false },
      global: { fetch },
    });
    return { client, requests, fetch };
  }

  it('lets supabase-js sign up, in and out, refresh, and change the user', async () => {
    const { client, requests } = supabase();
    const email = 'browser@example.com';
    expect((await client.auth.signUp({ email, password: PASSWORD })).error).toBeNull();
    expect((await client.auth.signInWithPassword({ email, password: PASSWORD })).error).toBeNull();
    expect((await client.auth.signInWithPassword({ email, password: 'wrong' })).error).not.toBeNull();
    expect((await client.auth.refreshSession()).error).toBeNull();
    expect((await client.auth.updateUser({ data: { nick: 'Bo' } })).error).toBeNull();
    expect((await client.auth.getUser()).error).toBeNull();
    expect((await client.auth.signOut()).error).toBeNull();
    expect(requests.flatMap(({ headers }) => headers)).toContain('x-supabase-api-version');
    expect(await objections(requests)).toEqual([]);
  });

  it('lets supabase-js store, read, list and remove files', async () => {
    const { client, requests } = supabase();
    const { data } = await client.auth.signUp({ email: 'files@example.com', password: PASSWORD });
    const bucket = client.storage.from('attachments');
    const path = `${data.user?.id}/note.txt`;
    const file = () => new Blob(['Hello'], { type: 'text/plain' });
    const options = { cacheControl: '60', metadata: { mood: 'good' } };
    expect((await bucket.upload(path, file(), options)).error).toBeNull();
    expect((await bucket.update(path, 'Hello!', { contentType: 'text/plain', ...options })).error).toBeNull();
    expect((await bucket.download(path)).error).toBeNull();
    expect((await bucket.info(path)).error).toBeNull();
    expect((await bucket.list(data.user?.id)).error).toBeNull();
    expect((await bucket.createSignedUrl(path, 60)).error).toBeNull();
    const signed = await bucket.createSignedUploadUrl(path, { upsert: true });
    expect(
      (await bucket.uploadToSignedUrl(path, signed.data?.token ?? '', file(), { upsert: true })).error,
    ).toBeNull();
    expect((await bucket.remove([path])).error).toBeNull();
    expect(requests.flatMap(({ headers }) => headers)).toEqual(
      expect.arrayContaining(['x-upsert', 'apikey']),
    );
    expect(await objections(requests)).toEqual([]);
  });

  it('lets useChat send with the keys of all vendors, and resume', async () => {
    const { client } = supabase();
    const { data } = await client.auth.signUp({ email: 'chat@example.com', password: PASSWORD });
    const { fetch, requests } = recordingFetch();
    const keys = Object.fromEntries(
      [...KEY_HEADERS, 'x-github-token'].map((name) => [name, 'a-key-of-a-user']),
    );
    const chat = new Chat({
      transport: new DefaultChatTransport({
        api: `${server.url}/api/chat`,
        headers: { authorization: `Bearer ${data.session?.access_token}`, ...keys },
        // No model answers: only the headers matter here, and the keys must not leave this machine.
        body: { model: 'nobody/nothing' },
        fetch,
      }),
    });
    await chat.sendMessage({ text: 'Hello' });
    await chat.resumeStream();
    expect(requests.map(({ method }) => method)).toEqual(['POST', 'GET']);
    expect(requests[0]?.headers).toEqual(expect.arrayContaining([...KEY_HEADERS]));
    expect(await objections(requests)).toEqual([]);
  });

  it('lets the fetch of supabase-js call the API, and a page use its own headers', async () => {
    const { client, requests, fetch } = supabase();
    const { data } = await client.auth.signUp({ email: 'api@example.com', password: PASSWORD });
    const headers = {
      authorization: `Bearer ${data.session?.access_token}`,
      apikey: server.secrets.publishableKey,
      'x-client-info': 'supabase-js-web/2',
    };
    const me = await fetch(`${server.url}/api/me`, {
      headers: { ...headers, traceparent: '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01' },
    });
    for (const name of ['x-request-id', 'RateLimit-Remaining', 'Retry-After', 'Content-Range']) {
      me.headers.get(name);
    }
    const config = await fetch(`${server.url}/api/admin/config/chat_agent`, {
      method: 'PATCH',
      headers: { ...headers, 'content-type': 'application/json', 'if-match': '"1"', 'last-event-id': '1' },
      body: '{}',
    });
    expect([me.status, config.status]).toEqual([200, 403]);
    config.headers.get('etag');
    expect(requests.length).toBeGreaterThan(2);
    expect(await objections(requests)).toEqual([]);
  });
});
