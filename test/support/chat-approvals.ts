import type { Chat } from '@ai-sdk/react';
import { isToolUIPart, type UIMessage } from 'ai';
import { eventually } from './chat-app.js';

/** The calls of tools in a message, whoever has it. */
export const toolPartsOf = (message: UIMessage | undefined) => (message?.parts ?? []).filter(isToolUIPart);

/** What a message waits for the user's word on. */
export const pendingOf = (message: UIMessage | undefined) =>
  toolPartsOf(message).flatMap((part) => (part.state === 'approval-requested' ? [part.approval] : []));

/**
 * The client says the same word on all that waits, and sends the message by itself, as `sendAutomaticallyWhen` tells it;
 * resolves when the answer has ended.
 */
export async function respond(chat: Chat<UIMessage>, approved: boolean): Promise<void> {
  for (const { id } of pendingOf(chat.lastMessage)) await chat.addToolApprovalResponse({ id, approved });
  await eventually(() =>
    Promise.resolve(
      chat.status === 'error' || (chat.status === 'ready' && pendingOf(chat.lastMessage).length === 0),
    ),
  );
}
