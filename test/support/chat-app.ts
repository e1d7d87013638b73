import type { UIMessageChunk } from 'ai';
import { type ProviderDouble, startProviderDouble } from '../doubles/provider-double.js';
import { startTestApp, type TestApp, type TestAppOptions, type TestUser } from './app.js';

/** The server's own keys. Tests search for them in its output. */
export const SERVER_KEYS = {
  GOOGLE_GENERATIVE_AI_API_KEY: 'google-server-key-5f1c8b',
  OPENAI_API_KEY: 'openai-server-key-9e2d7a',
  ANTHROPIC_API_KEY: 'anthropic-server-key-3b6f4c',
};

export interface ChatApp extends TestApp {
  double: ProviderDouble;
  /** Sends a message in the compact form, and reads the whole answer. */
  say(user: TestUser, chatId: string, text: string, options?: SayOptions): Promise<Answer>;
  /** Sends any body to `POST /api/chat`, and reads the whole answer. */
  post(user: TestUser, body: object, options?: { headers?: Record<string, string> }): Promise<Answer>;
  /** Sends any body to `POST /api/chat`, and reads the answer as a stream. */
  open(user: TestUser, body: object, options?: { headers?: Record<string, string> }): Promise<AnswerReader>;
}

export interface SayOptions {
  messageId?: string;
  /** Fields in addition to `id` and `message`. */
  body?: object;
  headers?: Record<string, string>;
}

export interface Answer {
  status: number;
  headers: Headers;
  /** Everything that was sent, except `[DONE]`. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests assert the shape of each chunk
  chunks: any[];
  /** The text deltas joined. */
  text: string;
  done: boolean;
  /** The problem document of a response that is not a stream. */
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests assert its shape
  problem: any;
}

/** An answer that is being read. */
export interface AnswerReader {
  response: Response;
  /** All chunks so far. */
  chunks: UIMessageChunk[];
  /** Reads on until the chunks fulfil the condition. */
  until(condition: (chunks: UIMessageChunk[]) => boolean): Promise<void>;
  /** Reads to the end. */
  rest(): Promise<Answer>;
  /** Closes the connection. */
  leave(): Promise<void>;
}

let nextMessage = 0;

/** A second application on the database of the first, with a double of its own. */
export function startBeside(
  { database }: Pick<ChatApp, 'database'>,
  environment: Record<string, string> = {},
): Promise<ChatApp> {
  return startChatApp(environment, { database });
}

/** The application, with a double in the place of the providers. */
export async function startChatApp(
  environment: Record<string, string> = {},
  options: TestAppOptions = {},
): Promise<ChatApp> {
  const double = await startProviderDouble();
  const app = await startTestApp(
    {
      GOOGLE_BASE_URL: double.googleUrl,
      OPENAI_BASE_URL: double.openaiUrl,
      ANTHROPIC_BASE_URL: double.anthropicUrl,
      ...SERVER_KEYS,
      ...environment,
    },
    options,
  );

  const open: ChatApp['open'] = async (user, body, { headers } = {}) => {
    const response = await fetch(`${app.url}/api/chat`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...user.headers, ...headers },
      body: JSON.stringify(body),
    });
    return readAnswer(response);
  };
  const post: ChatApp['post'] = async (user, body, options) => (await open(user, body, options)).rest();

  return {
    ...app,
    double,
    open,
    post,
    say: (user, chatId, text, { messageId, body, headers } = {}) =>
      post(user, { id: chatId, message: userMessage(text, messageId), ...body }, { headers }),
    close: async () => {
      await app.close();
      await double.close();
    },
  };
}

export function userMessage(
  text: string,
  id = `message-${++nextMessage}`,
): { id: string; role: 'user'; parts: object[] } {
  return { id, role: 'user', parts: [{ type: 'text', text }] };
}

/** Reads a response of the UI message stream protocol. */
export function readAnswer(response: Response): AnswerReader {
  const isStream = response.headers.get('content-type')?.startsWith('text/event-stream') ?? false;
  const decoder = new TextDecoder();
  const source = response.body?.getReader();
  const chunks: UIMessageChunk[] = [];
  let pending = '';
  let body = '';
  let done = false;

  async function pull(): Promise<boolean> {
    const next = await source?.read();
    if (!next || next.done) return false;
    const text = decoder.decode(next.value, { stream: true });
    body += text;
    pending += text;
    for (let end = pending.indexOf('\n\n'); end >= 0; end = pending.indexOf('\n\n')) {
      const frame = pending.slice(0, end);
      pending = pending.slice(end + 2);
      if (frame === 'data: [DONE]') done = true;
      else if (frame.startsWith('data: ')) chunks.push(JSON.parse(frame.slice(6)) as UIMessageChunk);
    }
    return true;
  }

  return {
    response,
    chunks,
    until: async (condition) => {
      // A large chunk arrives in many pieces. The condition is checked when there is new data.
      for (let seen = -1; seen === chunks.length || !condition(chunks);) {
        seen = chunks.length;
        if (!(await pull())) throw new Error(`the answer ended before: ${JSON.stringify(chunks.at(-1))}`);
      }
    },
    rest: async () => {
      while (await pull());
      return {
        status: response.status,
        headers: response.headers,
        chunks,
        text: textOfChunks(chunks),
        done,
        problem: isStream ? undefined : (JSON.parse(body || 'null') as unknown),
      };
    },
    leave: async () => source?.cancel(),
  };
}

export function textOfChunks(chunks: UIMessageChunk[]): string {
  return chunks.map((chunk) => (chunk.type === 'text-delta' ? chunk.delta : '')).join('');
}

/** Waits until `check` returns a value. */
export async function eventually<T>(
  check: () => Promise<T | undefined | false>,
  milliseconds = 30_000,
): Promise<T> {
  for (const deadline = Date.now() + milliseconds; ;) {
    const result = await check();
    if (result) return result;
    if (Date.now() > deadline) throw new Error('it did not come about in time');
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}
