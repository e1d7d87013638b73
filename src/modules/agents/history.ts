import { convertToModelMessages, isToolUIPart, type ModelMessage, type ToolSet, type UIMessage } from 'ai';
import type { SelectedModel } from '../models/model-selector.js';
import { withAllowedFiles } from './file-input.js';
import { inPlainWords } from './provider-parts.js';

/**
 * The history as models take it. Tool calls that never got a result are left out (providers refuse a conversation with
 * one), and so are messages without any content, such as answers that failed before their first word.
 *
 * @throws AppError 400 when the question has a file that may not be given to the agent
 */
export async function toModelMessages(
  history: UIMessage[],
  model: SelectedModel,
  tools?: ToolSet,
): Promise<ModelMessage[]> {
  const readable = withoutRepeatedCalls(withAllowedFiles(history, model)).map(inPlainWords);
  const messages = await convertToModelMessages(readable, {
    ignoreIncompleteToolCalls: true,
    ...(tools ? { tools } : {}),
  });
  return messages.filter(saysSomething);
}

/** Providers refuse a conversation in which two calls have one id. The last one stays: it may be the one that goes on. */
function withoutRepeatedCalls(history: UIMessage[]): UIMessage[] {
  const seen = new Set<string>();
  const isRepeated = (part: UIMessage['parts'][number]) => {
    if (!isToolUIPart(part)) return false;
    if (seen.has(part.toolCallId)) return true;
    seen.add(part.toolCallId);
    return false;
  };
  const messages = history.toReversed().map((message) => {
    const parts = message.parts.toReversed().filter((part) => !isRepeated(part));
    return parts.length === message.parts.length ? message : { ...message, parts: parts.toReversed() };
  });
  return messages.toReversed();
}

/**
 * Thoughts alone, a text that was begun and never written, or what another provider has noted of its own protocol are no
 * content to a provider: it refuses the whole history.
 */
function saysSomething({ role, content }: ModelMessage): boolean {
  if (role !== 'assistant' || typeof content === 'string') return content.length > 0;
  return content.some(
    ({ type, ...part }) => type !== 'reasoning' && type !== 'custom' && !('text' in part && part.text === ''),
  );
}
