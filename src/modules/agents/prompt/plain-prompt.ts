import type {
  LanguageModelV4Message,
  LanguageModelV4Prompt,
  LanguageModelV4ToolResultPart,
} from '@ai-sdk/provider';
import { placeOf } from './history-files.js';
import { plainText } from './plain-json.js';

type UserPart = Extract<LanguageModelV4Message, { role: 'user' }>['content'][number];
type AssistantPart = Extract<LanguageModelV4Message, { role: 'assistant' }>['content'][number];

/** The number of characters of an earlier call, and of its result, that the description contains. */
const MAX_TOLD = 2_000;

/**
 * The prompt with everything before its question as plain text, which no vendor can refuse: without reasoning, files,
 * and calls in a vendor's format. Undefined if there is nothing to convert.
 *
 * @param questionId the message to answer
 */
export function inWordsAlone(
  prompt: LanguageModelV4Prompt,
  questionId: string | undefined,
): LanguageModelV4Prompt | undefined {
  // The steps of the answer follow it.
  const question = prompt.findLastIndex(({ role }) => role === 'user');
  let isChanged = false;
  const messages = prompt.flatMap((message, index): LanguageModelV4Message[] => {
    if (index > question || message.role === 'system') return [message];
    const told = inWords(message, prompt[index + 1], questionId);
    isChanged ||= told !== message;
    return told ? [told] : [];
  });
  return isChanged ? messages : undefined;
}

function inWords(
  message: LanguageModelV4Message,
  next: LanguageModelV4Message | undefined,
  questionId: string | undefined,
): LanguageModelV4Message | undefined {
  switch (message.role) {
    case 'user': {
      // Consecutive messages are merged, so an earlier one may be in the same message as the question.
      const isEarlier = (part: UserPart) => part.type === 'file' && placeOf(part)?.messageId !== questionId;
      if (!message.content.some(isEarlier)) return message;
      const content = message.content.map((part) => (isEarlier(part) ? fileInWords(part) : part));
      return { role: 'user', content };
    }
    case 'assistant': {
      if (message.content.every((part) => part.type === 'text' && part.providerOptions === undefined))
        return message;
      const results = next?.role === 'tool' ? next.content.filter((part) => part.type === 'tool-result') : [];
      const text = message.content
        .map((part) => partInWords(part, results))
        .filter((words) => words.trim() !== '')
        .join('\n\n');
      return text === '' ? undefined : { role: 'assistant', content: [{ type: 'text', text }] };
    }
    // The description of the calls includes these.
    default:
      return undefined;
  }
}

function fileInWords(part: UserPart): UserPart {
  return part.type === 'file'
    ? { type: 'text', text: `[omitted file: ${part.filename ?? part.mediaType}]` }
    : part;
}

function partInWords(part: AssistantPart, results: readonly LanguageModelV4ToolResultPart[]): string {
  if (part.type === 'text') return part.text;
  if (part.type !== 'tool-call') return '';
  const result = results.find(({ toolCallId }) => toolCallId === part.toolCallId);
  const output = result
    ? `\n${beginningOf('value' in result.output ? result.output.value : result.output)}`
    : '';
  return `[${part.toolName} ${beginningOf(part.input)}]${output}`;
}

function beginningOf(value: unknown): string {
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length <= MAX_TOLD ? text : `${plainText(text.slice(0, MAX_TOLD))}…`;
}
