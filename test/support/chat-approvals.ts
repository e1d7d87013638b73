import type { Chat } from '@ai-sdk/react';
import { isToolUIPart, type UIMessage } from 'ai';
import { eventually } from './chat-app.js';

/** The tool calls in a message, in the client or in the API. */
export const toolPartsOf = (message: UIMessage | undefined) => (message?.parts ?? []).filter(isToolUIPart);

/** The parts of a message that wait for the user's decision. */
export const pendingOf = (message: UIMessage | undefined) =>
  toolPartsOf(message).flatMap((part) => (part.state === 'approval-requested' ? [part.approval] : []));

/**
 * The client gives the same decision on everything that waits, and sends the message automatically, as configured with
 * `sendAutomaticallyWhen`. Resolves when the answer has ended.
 */
export async function respond(chat: Chat<UIMessage>, approved: boolean): Promise<void> {
  for (const { id } of pendingOf(chat.lastMessage)) await chat.addToolApprovalResponse({ id, approved });
  await eventually(() =>
    Promise.resolve(
      chat.status === 'error' || (chat.status === 'ready' && pendingOf(chat.lastMessage).length === 0),
    ),
  );
}
