import type { LanguageModelV4Message, LanguageModelV4Prompt } from '@ai-sdk/provider';
import { type AskedModel, estimatePromptTokens } from '../../models/prompt-tokens.js';
import { isSummary } from './conversation-summary.js';

/** The share of a refused prompt to send if the vendor does not say how much too long it is. */
const SHARE = 0.5;
/** Below the vendor's limit, because the estimate of a turn is not exact. */
const MARGIN = 0.9;
const LEAST_SHARE = 0.02;

/** How vendors name the size of a prompt, and the size that they accept. */
const SIZES: readonly RegExp[] = [
  // Anthropic, and Anthropic with the longest answer counted in
  /(?<size>\d+) tokens > (?<most>\d+) maximum/i,
  /exceed context limit: (?<size>\d+) \+ (?<answer>\d+) > (?<most>\d+)/i,
  // Gemini
  /input token count \((?<size>\d+)\) exceeds the maximum number of tokens allowed \((?<most>\d+)\)/i,
  // OpenAI's Chat Completions, and servers that are compatible with them
  /maximum context length is (?<most>\d+) tokens\D+?(?<size>\d+) tokens/i,
];

/**
 * The prompt without its oldest turns, for a vendor that has refused it as too long. Turns are left out as a whole, and
 * the question stays with everything after it. Undefined if there is nothing to leave out.
 *
 * @param words the vendor's error text
 */
export function shorterPrompt(
  prompt: LanguageModelV4Prompt,
  words: string,
  model: AskedModel,
): LanguageModelV4Prompt | undefined {
  const question = questionOf(prompt);
  const before = prompt.slice(0, Math.max(question, 0));
  const rest = prompt.slice(Math.max(question, 0));
  const kept = before.filter((message) => message.role === 'system' || isSummary(message));
  const turns = turnsOf(before.filter((message) => !kept.includes(message)));
  if (turns.length === 0) {
    const withoutSummary = kept.filter(({ role }) => role === 'system');
    return withoutSummary.length < kept.length ? [...withoutSummary, ...rest] : undefined;
  }
  const tokens = (messages: LanguageModelV4Message[]) => estimatePromptTokens({ prompt: messages }, model);
  let size = tokens(prompt);
  const most = size * shareIn(words);
  let dropped = 0;
  while (dropped < turns.length && (dropped === 0 || size > most)) size -= tokens(turns[dropped++] ?? []);
  return [...kept, ...turns.slice(dropped).flat(), ...rest];
}

/** The place of the message to answer. The steps of its answer follow it. */
function questionOf(prompt: LanguageModelV4Prompt): number {
  return prompt.findLastIndex((message) => message.role === 'user' && !isSummary(message));
}

/** Whether the question is the last message, so that nothing of its answer is in the prompt. */
export function endsWithQuestion(prompt: LanguageModelV4Prompt): boolean {
  return questionOf(prompt) === prompt.length - 1;
}

function turnsOf(messages: LanguageModelV4Message[]): LanguageModelV4Message[][] {
  const turns: LanguageModelV4Message[][] = [];
  for (const message of messages) {
    if (message.role === 'user' || turns.length === 0) turns.push([]);
    turns.at(-1)?.push(message);
  }
  return turns;
}

function shareIn(words: string): number {
  for (const pattern of SIZES) {
    const { size, most, answer = '0' } = pattern.exec(words)?.groups ?? {};
    if (size === undefined || most === undefined) continue;
    const share = ((Number(most) - Number(answer)) / Number(size)) * MARGIN;
    return share < 1 ? Math.max(share, LEAST_SHARE) : SHARE;
  }
  return SHARE;
}
