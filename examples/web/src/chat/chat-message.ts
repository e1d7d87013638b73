import type { ChatMessage } from './contract.ts';

export type { ChatDataParts, ChatMessage, ChatMetadata } from './contract.ts';
export type ChatPart = ChatMessage['parts'][number];

export function textOf(message: ChatMessage): string {
  return message.parts.flatMap((part) => (part.type === 'text' ? [part.text] : [])).join('\n\n');
}
