import { convertToModelMessages, isToolUIPart, type ModelMessage, type ToolSet, type UIMessage } from 'ai';

/**
 * The history as models take it. Tool calls that never got a result are left out (providers refuse a conversation with
 * one), and so are messages without any content, such as answers that failed before their first word.
 */
export async function toModelMessages(history: UIMessage[], tools?: ToolSet): Promise<ModelMessage[]> {
  const messages = await convertToModelMessages(history.map(withoutOldApprovals), {
    ignoreIncompleteToolCalls: true,
    ...(tools ? { tools } : {}),
  });
  return messages.filter((message) => message.content.length > 0);
}

/** A call that was approved, but whose result a crash has taken, is only made again at the very end of a history. */
function withoutOldApprovals(message: UIMessage, index: number, history: UIMessage[]): UIMessage {
  if (index === history.length - 1) return message;
  const parts = message.parts.filter((part) => !isToolUIPart(part) || part.state !== 'approval-responded');
  return parts.length === message.parts.length ? message : { ...message, parts };
}
