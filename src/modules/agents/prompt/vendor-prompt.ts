import type {
  LanguageModelV4FilePart,
  LanguageModelV4Message,
  LanguageModelV4Prompt,
  LanguageModelV4TextPart,
  LanguageModelV4ToolCallPart,
  LanguageModelV4ToolResultPart,
  SharedV4ProviderOptions,
} from '@ai-sdk/provider';
import type { HistoryRules } from '../../models/vendors/vendor.js';
import { type ModelProvider, VENDORS } from '../../models/vendors/vendors.js';
import { plainText } from './plain-json.js';
import { ownReasoning } from './own-reasoning.js';
import { CallNames, plainInput, plainOutput } from './tool-exchange.js';

type AssistantMessage = Extract<LanguageModelV4Message, { role: 'assistant' }>;
type AssistantPart = AssistantMessage['content'][number];
type UserPart = LanguageModelV4TextPart | LanguageModelV4FilePart;

/** Replaces a message that has nothing left for a model. */
const EMPTY = '[an empty message]';
/** Vendors require that a conversation begins and ends with its user. */
const BEGINNING = '[The beginning of this conversation is omitted.]';
const GO_ON = 'Continue.';

const NO_NOTES: HistoryRules = { namespace: '', reasoning: { notes: [], proofs: [] } };

/**
 * Converts a prompt to what the vendor accepts, whoever wrote its content. Every model call with a history uses this
 * function, also each step of an answer. Content that a vendor would refuse is removed, renamed or described in text.
 * The same conversation gives the same prompt, and a longer conversation begins with the same prompt, so that the
 * caches of vendors work.
 */
export function toVendorPrompt(
  prompt: LanguageModelV4Prompt,
  provider: ModelProvider,
): LanguageModelV4Prompt {
  const rules = provider === 'demo' ? NO_NOTES : VENDORS[provider].history;
  const messages = withClosedCalls(joined(prompt)).flatMap((message) => toVendorMessage(message, rules));
  return fromUserToUser(joined(messages));
}

function toVendorMessage(message: LanguageModelV4Message, rules: HistoryRules): LanguageModelV4Message[] {
  switch (message.role) {
    case 'system':
      return message.content.trim() === '' ? [] : [{ ...message, content: plainText(message.content) }];
    case 'user':
      return [{ ...message, content: userContent(message.content) }];
    case 'assistant': {
      const content = assistantContent(message.content, rules);
      return content.length > 0 ? [{ ...message, content }] : [];
    }
    case 'tool':
      return [message];
  }
}

function userContent(parts: readonly UserPart[]): UserPart[] {
  const content = parts.flatMap((part): UserPart[] => {
    if (part.type === 'file') return [part];
    const text = plainText(part.text);
    return text.trim() === '' ? [] : [{ type: 'text', text }];
  });
  return content.length > 0 ? content : [{ type: 'text', text: EMPTY }];
}

function assistantContent(parts: readonly AssistantPart[], rules: HistoryRules): AssistantPart[] {
  const content: AssistantPart[] = [];
  for (const part of parts) {
    if (part.type === 'text') addText(content, part, rules);
    else if (part.type === 'tool-call')
      content.push({ ...part, providerOptions: notesOf(part, rules.toolCall ?? [], rules) });
    else if (part.type === 'reasoning')
      content.push({
        type: 'reasoning',
        text: plainText(part.text),
        providerOptions: notesOf(part, rules.reasoning.notes, rules),
      });
    // All other parts have a vendor's own format: files and results of its tools, and notes on its protocol.
  }
  const own = ownReasoning(content, rules);
  return own.some((part) => part.type === 'tool-call' || (part.type === 'text' && part.text !== ''))
    ? own
    : [];
}

/** Blank text is joined to the text before it. Alone it has no content, unless it carries a signature. */
function addText(content: AssistantPart[], part: LanguageModelV4TextPart, rules: HistoryRules): void {
  const text = plainText(part.text);
  const providerOptions = notesOf(part, rules.text ?? [], rules);
  const isSigned = rules.reasoning.proofs.some((name) => providerOptions?.[rules.namespace]?.[name]);
  if (text.trim() !== '' || (text === '' && isSigned)) {
    content.push({ type: 'text', text, providerOptions });
    return;
  }
  const before = content.at(-1);
  if (before?.type === 'text' && before.text !== '')
    content.splice(-1, 1, { ...before, text: before.text + text });
}

/** The notes on a part that the vendor gets back. */
function notesOf(
  { providerOptions }: { providerOptions?: SharedV4ProviderOptions },
  names: readonly string[],
  { namespace }: HistoryRules,
): SharedV4ProviderOptions | undefined {
  const notes = Object.entries(providerOptions?.[namespace] ?? {}).filter(
    ([name, note]) => names.includes(name) && typeof note === 'string',
  );
  return notes.length > 0 ? { [namespace]: Object.fromEntries(notes) } : undefined;
}

/**
 * Calls with their results. A call without a result, or a result without a call, is left out. Names and ids are ones
 * that every vendor accepts.
 */
function withClosedCalls(messages: readonly LanguageModelV4Message[]): LanguageModelV4Message[] {
  const names = new CallNames();
  return messages.flatMap((message, index): LanguageModelV4Message[] => {
    if (message.role === 'tool') {
      const calls = callsOf(messages[index - 1]);
      const results = resultsOf(message)
        .filter(({ toolCallId }) => calls.delete(toolCallId))
        .map(({ toolCallId, toolName, output }) => ({
          type: 'tool-result' as const,
          toolCallId: names.idOf(toolCallId),
          toolName: names.nameOf(toolName),
          output: plainOutput(output),
        }));
      return results.length > 0 ? [{ role: 'tool', content: results }] : [];
    }
    if (message.role !== 'assistant') return [message];
    const answered = new Set(resultsOf(messages[index + 1]).map(({ toolCallId }) => toolCallId));
    const content = message.content.flatMap((part): AssistantPart[] => {
      if (part.type !== 'tool-call') return [part];
      if (part.providerExecuted || !answered.delete(part.toolCallId)) return [];
      const { toolCallId, toolName, input, providerOptions } = part;
      return [
        {
          type: 'tool-call',
          toolCallId: names.idOf(toolCallId),
          toolName: names.nameOf(toolName),
          input: plainInput(input),
          providerOptions,
        },
      ];
    });
    return [{ ...message, content }];
  });
}

function callsOf(message: LanguageModelV4Message | undefined): Set<string> {
  const calls = message?.role === 'assistant' ? message.content.filter(isOwnCall) : [];
  return new Set(calls.map(({ toolCallId }) => toolCallId));
}

function isOwnCall(part: AssistantPart): part is LanguageModelV4ToolCallPart {
  return part.type === 'tool-call' && part.providerExecuted !== true;
}

function resultsOf(message: LanguageModelV4Message | undefined): LanguageModelV4ToolResultPart[] {
  return message?.role === 'tool' ? message.content.filter((part) => part.type === 'tool-result') : [];
}

/** Joins consecutive messages of one role, because some vendors require that roles alternate. */
function joined(messages: readonly LanguageModelV4Message[]): LanguageModelV4Message[] {
  const result: LanguageModelV4Message[] = [];
  for (const message of messages) {
    const last = result.at(-1);
    if (message.role === 'system' || last?.role !== message.role) result.push(message);
    // Both have the same role, so their parts are of the same kinds.
    else
      result.splice(-1, 1, {
        ...last,
        content: [...last.content, ...message.content],
      } as LanguageModelV4Message);
  }
  return result;
}

function fromUserToUser(messages: LanguageModelV4Message[]): LanguageModelV4Message[] {
  const userMessage = (text: string): LanguageModelV4Message => ({
    role: 'user',
    content: [{ type: 'text', text }],
  });
  const first = messages.findIndex(({ role }) => role !== 'system');
  if (first >= 0 && messages[first]?.role !== 'user') messages.splice(first, 0, userMessage(BEGINNING));
  return messages.at(-1)?.role === 'assistant' ? [...messages, userMessage(GO_ON)] : messages;
}
