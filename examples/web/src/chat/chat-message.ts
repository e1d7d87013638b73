import type { UIMessage } from 'ai';
import type { ChatContext, DocumentKind } from '../api/types.ts';

/** The figures of an answer, live and stored. */
export interface MessageMetadata {
  createdAt?: string;
  agentType?: string;
  model?: string;
  /** The model that was to answer, if another one did. */
  fallbackFor?: string;
  finishReason?: string;
  status?: 'complete' | 'streaming' | 'stopped' | 'interrupted' | 'failed';
  usage?: { inputTokens: number; outputTokens: number; totalTokens: number };
  cost?: number;
}

/** The server's own parts (`data-…`) of a stream. */
export type ChatDataParts = {
  agent: { agentType: string; reason: string };
  'chat-title': { title: string };
  context: ChatContext;
  /** A document that could not be stored as a version. */
  draft: { title?: string; content?: string };
  // The document that is being written.
  kind: DocumentKind;
  id: string;
  title: string;
  clear: null;
  textDelta: string;
  codeDelta: string;
  sheetDelta: string;
  imageDelta: string;
  suggestion: unknown;
  finish: null;
};

export type ChatMessage = UIMessage<MessageMetadata, ChatDataParts>;
export type ChatPart = ChatMessage['parts'][number];

export function textOf(message: ChatMessage): string {
  return message.parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n\n');
}
