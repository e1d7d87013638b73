import type { LanguageModelV4Message } from '@ai-sdk/provider';
import type { HistoryRules } from '../../models/vendors/vendor.js';

type Part = Extract<LanguageModelV4Message, { role: 'assistant' }>['content'][number];
type ReasoningPart = Extract<Part, { type: 'reasoning' }>;

/**
 * Removes reasoning that the vendor would refuse or cannot use: reasoning of other vendors, and reasoning that was cut
 * off before its signature.
 */
export function ownReasoning(parts: readonly Part[], rules: HistoryRules): Part[] {
  const { item } = rules.reasoning;
  if (item === undefined) return parts.filter((part) => part.type !== 'reasoning' || isProven(part, rules));
  const kept: Part[] = [];
  for (let index = 0; index < parts.length;) {
    const end = endOfItem(parts, index, item, rules);
    const whole = parts.slice(index, end);
    const isTaken =
      whole[0]?.type !== 'reasoning' ||
      (isFollower(parts[end]) && whole.some((part) => part.type === 'reasoning' && isProven(part, rules)));
    if (isTaken) kept.push(...whole);
    index = end;
  }
  return kept;
}

/** The index after reasoning parts that form one item, or after a single other part. */
function endOfItem(parts: readonly Part[], start: number, item: string, rules: HistoryRules): number {
  const idOf = (part: Part | undefined) =>
    part?.type === 'reasoning' ? noteOf(part, item, rules) : undefined;
  const id = idOf(parts[start]);
  let end = start + 1;
  while (id !== undefined && idOf(parts[end]) === id) end++;
  return end;
}

/** What the vendor accepts as the item after its reasoning. */
function isFollower(part: Part | undefined): boolean {
  return part?.type === 'tool-call' || part?.type === 'text';
}

function isProven(part: ReasoningPart, rules: HistoryRules): boolean {
  return rules.reasoning.proofs.some((name) => noteOf(part, name, rules) !== undefined);
}

function noteOf(
  { providerOptions }: ReasoningPart,
  name: string,
  { namespace }: HistoryRules,
): string | undefined {
  const note = providerOptions?.[namespace]?.[name];
  return typeof note === 'string' && note !== '' ? note : undefined;
}
