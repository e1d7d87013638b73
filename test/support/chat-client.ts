import { Chat } from '@ai-sdk/react';
import { DefaultChatTransport, type UIMessage } from 'ai';
import type { StoredMessage } from './turns.js';

export interface ChatClientOptions {
  token: string;
  /** If omitted, the client creates an id itself. */
  id?: string;
  messages?: UIMessage[];
  headers?: Record<string, string>;
  body?: object;
  fetch?: typeof fetch;
  onData?: (part: { type: string; data: unknown }) => void;
  onError?: (error: Error) => void;
  sendAutomaticallyWhen?: (state: { messages: UIMessage[] }) => boolean | PromiseLike<boolean>;
}

/** The client of `useChat`, without React: the default transport with only the URL and the token. */
export function createChatClient(url: string, options: ChatClientOptions): Chat<UIMessage> {
  return new Chat<UIMessage>({
    ...(options.id === undefined ? {} : { id: options.id }),
    messages: options.messages ?? [],
    onData: options.onData,
    onError: options.onError,
    sendAutomaticallyWhen: options.sendAutomaticallyWhen,
    transport: new DefaultChatTransport({
      api: `${url}/api/chat`,
      headers: { authorization: `Bearer ${options.token}`, ...options.headers },
      ...(options.body ? { body: options.body } : {}),
      ...(options.fetch ? { fetch: options.fetch } : {}),
    }),
  });
}

/** The messages of a client that loads a chat. */
export function toUiMessages(stored: StoredMessage[]): UIMessage[] {
  return stored.map(({ id, role, parts, metadata }) => ({ id, role, parts, metadata }));
}

/** As JSON: without undefined fields. */
export const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

/** The text of a message, its parts joined. */
export function textOf(message: Pick<UIMessage, 'parts'> | undefined): string {
  return (message?.parts ?? []).map((part) => (part.type === 'text' ? part.text : '')).join('');
}
