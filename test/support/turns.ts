import { readUIMessageStream, type UIMessage, type UIMessageChunk } from 'ai';
import type { ProviderDouble, RecordedRequest } from '../doubles/provider-double.js';
import type { TestUser } from './app.js';
import { type AnswerReader, eventually, readAnswer, textOfChunks } from './chat-app.js';

/* Requests that tests of running answers use, for any server at `url`. Chat ids are the client's ids. */

interface Served {
  url: string;
}

/** Sends any body to `POST /api/chat`, and reads the answer as a stream. */
export async function send(
  { url }: Served,
  user: TestUser,
  body: object,
  headers: Record<string, string> = {},
): Promise<AnswerReader> {
  const response = await fetch(`${url}/api/chat`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...user.headers, ...headers },
    body: JSON.stringify(body),
  });
  return readAnswer(response);
}

/** Resumes the running answer of a chat. */
export async function resume({ url }: Served, user: TestUser, chatId: string): Promise<AnswerReader> {
  const path = `/api/chat/${encodeURIComponent(chatId)}/stream`;
  return readAnswer(await fetch(`${url}${path}`, { headers: user.headers }));
}

export async function stop(served: Served, user: TestUser, chatId: string): Promise<{ stopped: boolean }> {
  return ask(served, user, `/api/chat/${encodeURIComponent(chatId)}/stop`, 'POST');
}

/** The fields of a chat that describe its answers. */
export interface ChatFigures {
  title: string;
  isStreaming: boolean;
  totalInputTokens: number;
  totalOutputTokens: number;
  totalCost: number;
}

export async function readChat(served: Served, user: TestUser, chatId: string): Promise<ChatFigures> {
  return ask(served, user, `/api/chats/${encodeURIComponent(chatId)}`);
}

/** A message as returned by the API. */
export interface StoredMessage {
  id: string;
  role: 'user' | 'assistant';
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests assert the shape of each part
  parts: any[];
  status: string;
  createdAt: string;
  modelUsed: string | null;
  inputTokens: number;
  outputTokens: number;
  cost: number;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests assert its shape
  metadata: any;
}

/** The messages of a chat, oldest first. */
export async function messagesOf(served: Served, user: TestUser, chatId: string): Promise<StoredMessage[]> {
  const path = `/api/chats/${encodeURIComponent(chatId)}/messages?limit=100`;
  const messages: StoredMessage[] = [];
  // A page also ends at 2 MB.
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: { items: StoredMessage[]; nextCursor: string | null } = await ask(
      served,
      user,
      cursor ? `${path}&cursor=${encodeURIComponent(cursor)}` : path,
    );
    messages.push(...page.items);
    cursor = page.nextCursor;
  }
  return messages;
}

/** The last message of a chat, after it was generated. */
export function storedAnswer(served: Served, user: TestUser, chatId: string): Promise<StoredMessage> {
  return eventually(async () => {
    const last = (await messagesOf(served, user, chatId)).at(-1);
    return last?.role === 'assistant' && last.status !== 'streaming' && last;
  });
}

export function textOfParts({ parts }: Pick<StoredMessage, 'parts'>): string {
  return parts.map((part) => (part.type === 'text' ? part.text : '')).join('');
}

/** The message that a client of the AI SDK makes of a stream. */
export async function messageOf(chunks: UIMessageChunk[]): Promise<UIMessage> {
  const stream = new ReadableStream<UIMessageChunk>({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(chunk);
      controller.close();
    },
  });
  let last: UIMessage | undefined;
  for await (const message of readUIMessageStream({ stream })) last = message;
  if (!last) throw new Error('The stream has no message.');
  return last;
}

/** A condition for `AnswerReader.until`: the text so far contains this. More may have arrived with it. */
export const saying = (words: string) => (chunks: UIMessageChunk[]) => textOfChunks(chunks).includes(words);

/** The prompts of streamed calls to providers, without titles, oldest first. */
export function answerCalls({ double }: { double: ProviderDouble }, text: string): RecordedRequest[] {
  return double.requests.filter(({ stream, userText }) => stream && userText.includes(text));
}

/** The value of one of the server's own gauges. */
export async function gauge({ url }: Served, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  const value = new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1];
  if (value === undefined) throw new Error(`there is no ${name}`);
  return Number(value);
}

async function ask<T>({ url }: Served, user: TestUser, path: string, method = 'GET'): Promise<T> {
  const response = await fetch(`${url}${path}`, { method, headers: user.headers });
  if (!response.ok) throw new Error(`${method} ${path} answered ${response.status}`);
  return (await response.json()) as T;
}
