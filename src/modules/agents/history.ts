import { convertToModelMessages, isToolUIPart, type ModelMessage, type UIMessage } from 'ai';
import { convertToLanguageModelPrompt, standardizePrompt } from 'ai/internal';
import type { LanguageModelV4Prompt } from '@ai-sdk/provider';
import type { SelectedModel } from '../models/model-selector.js';
import { refuseDownloads } from './file-input.js';
import { READ_FILE, type ReadFilePart, withReadFiles } from './prompt/history-files.js';
import { inPlainWords } from './provider-parts.js';

/**
 * The history in the format of the AI SDK, with all files read. `toVendorPrompt` converts it to what the vendor
 * accepts. Every prompt from stored messages goes through these two functions.
 */
export async function toModelMessages(
  history: readonly UIMessage[],
  model: SelectedModel,
): Promise<ModelMessage[]> {
  const read = withReadFiles(history, model);
  return convertToModelMessages(withUniqueCalls(read).map(inPlainWords), {
    ignoreIncompleteToolCalls: true,
    convertDataPart: (part) => (part.type === READ_FILE ? (part as unknown as ReadFilePart).data : undefined),
  });
}

/** The same as a prompt, for calls that do not use the AI SDK's own functions. */
export async function toPrompt(
  history: readonly UIMessage[],
  model: SelectedModel,
  instructions: string,
): Promise<LanguageModelV4Prompt> {
  const messages = await toModelMessages(history, model);
  const prompt = await standardizePrompt({ instructions, messages });
  return convertToLanguageModelPrompt({
    prompt,
    // It contains no URL that a vendor would fetch, and none that this server would fetch for it.
    supportedUrls: {},
    download: refuseDownloads,
    provider: model.provider,
  });
}

/**
 * Vendors refuse a conversation in which two calls have the same id, and some servers number their calls from the start
 * in each answer. The later call is renamed, so that earlier requests remain a prefix of this one. A call that is
 * continued keeps its id.
 */
function withUniqueCalls(history: UIMessage[]): UIMessage[] {
  const calls = history.flatMap(({ parts }) => parts.filter(isToolUIPart));
  const goingOn = new Set(
    calls.filter(({ state }) => state === 'approval-responded').map(({ toolCallId }) => toolCallId),
  );
  const seen = new Set(goingOn);
  const counts = new Map<string, number>();
  return history.map((message) => ({
    ...message,
    parts: message.parts.map((part) => {
      if (!isToolUIPart(part) || part.state === 'approval-responded') return part;
      const { toolCallId: id } = part;
      if (!seen.has(id)) {
        seen.add(id);
        return part;
      }
      let count = counts.get(id) ?? 2;
      while (seen.has(`${id}_${count}`)) count++;
      counts.set(id, count + 1);
      const toolCallId = `${id}_${count}`;
      seen.add(toolCallId);
      return { ...part, toolCallId };
    }),
  }));
}
