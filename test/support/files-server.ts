import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import { type ProviderDouble, startProviderDouble } from '../doubles/provider-double.js';
import { type Answer as ChatAnswer, readAnswer, SERVER_KEYS } from './chat-app.js';
import { type Answer, EmbeddedServer, type Person } from './embedded-server.js';

export const PNG = Buffer.from(
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==',
  'base64',
);

/** The server with the embedded stack, doubles of the vendors, and Supabase's client as in browsers. */
export class FilesServer {
  readonly stack: EmbeddedServer;
  readonly double: ProviderDouble;

  private constructor(stack: EmbeddedServer, double: ProviderDouble) {
    this.stack = stack;
    this.double = double;
  }

  static async start(environment: Record<string, string> = {}): Promise<FilesServer> {
    const double = await startProviderDouble();
    const stack = await EmbeddedServer.start({
      GOOGLE_BASE_URL: double.googleUrl,
      OPENAI_BASE_URL: double.openaiUrl,
      ANTHROPIC_BASE_URL: double.anthropicUrl,
      DEMO_MODEL: 'false',
      ...SERVER_KEYS,
      ...environment,
    });
    return new FilesServer(stack, double);
  }

  async stop(): Promise<void> {
    await this.stack?.stop();
    await this.double.close();
  }

  /** The client of a user, or of an anonymous visitor. */
  client(person?: Person): SupabaseClient {
    return createClient(this.stack.url, this.stack.secrets.publishableKey, {
      auth: { persistSession: false, autoRefreshToken: false },
      ...(person ? { global: { headers: { authorization: `Bearer ${person.accessToken}` } } } : {}),
    });
  }

  api(person: Person, method: string, path: string, body?: unknown): Promise<Answer> {
    return this.stack.request(method, path, { token: person.accessToken, body, key: null });
  }

  /** Uploads a file as a browser does: the API's answer, then Supabase's client. */
  async upload(person: Person, filename: string, contentType: string, bytes: Uint8Array): Promise<string> {
    const { status, body, text } = await this.api(person, 'POST', '/api/files', {
      filename,
      contentType,
      size: bytes.length,
    });
    if (status !== 201) throw new Error(`no upload: ${text}`);
    const { error } = await this.client()
      .storage.from('attachments')
      .uploadToSignedUrl(body.path, body.token, bytes, { contentType });
    if (error) throw error;
    return body.path as string;
  }

  async say(
    person: Person,
    chatId: string,
    parts: object[],
    more: object = {},
    headers: object = {},
  ): Promise<ChatAnswer> {
    const response = await fetch(`${this.stack.url}/api/chat`, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        authorization: `Bearer ${person.accessToken}`,
        ...headers,
      },
      body: JSON.stringify({
        id: chatId,
        message: { id: crypto.randomUUID(), role: 'user', parts },
        agent: 'chat',
        ...more,
      }),
    });
    return readAnswer(response).rest();
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests assert the shape of messages
  async messages(person: Person, chatId: string): Promise<any[]> {
    return (await this.api(person, 'GET', `/api/chats/${chatId}/messages`)).body.items;
  }

  /** What the vendors got, except for titles. */
  told(): string {
    return JSON.stringify(this.double.requests.map(({ body }) => body));
  }
}

export const text = (value: string) => ({ type: 'text', text: value });
export const file = (url: string, mediaType = 'image/png', filename = 'cat.png') => ({
  type: 'file',
  mediaType,
  filename,
  url,
});
