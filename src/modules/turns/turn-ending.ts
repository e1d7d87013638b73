import type { FinishReason, UIMessageChunk } from 'ai';
import { type AppError, upstreamError } from '../../common/errors/app-error.js';
import { toMoney } from '../../common/http/money.js';
import { NO_TOKENS } from '../usage/pricing.js';
import type { UsageTally } from '../usage/usage-context.js';
import type { ChosenAgent } from './agent-chooser.js';
import type { AnswerMetadata, MessageStatus } from './turn.types.js';

/** How an answer ended. */
export interface Ending {
  status: MessageStatus;
  failure?: AppError;
  finishReason?: FinishReason;
}

/** An answer that goes on has used something before. What is stored may be of any shape; what is no figure counts as 0. */
export function usedBefore(continued: AnswerMetadata | undefined) {
  if (!continued) return undefined;
  const usage: Partial<Record<string, unknown>> = { ...continued.usage };
  const tokens = { ...NO_TOKENS };
  for (const name of ['inputTokens', 'outputTokens', 'cachedInputTokens', 'reasoningTokens'] as const)
    tokens[name] = Math.trunc(figureOf(usage[name]));
  return { tokens, totalCost: String(figureOf(continued.cost)) };
}

function figureOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
}

export function isUsed(tally: UsageTally, continued: AnswerMetadata | undefined): boolean {
  const before = usedBefore(continued)?.tokens ?? NO_TOKENS;
  const { inputTokens, outputTokens } = tally.tokens;
  return inputTokens + outputTokens > before.inputTokens + before.outputTokens;
}

export function metadataOf(
  { agentType, model }: Pick<ChosenAgent, 'agentType' | 'model'>,
  tally: UsageTally,
  failure: AppError | undefined,
): AnswerMetadata {
  const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens } = tally.tokens;
  return {
    agentType,
    model: model.id,
    usage: {
      inputTokens,
      outputTokens,
      totalTokens: inputTokens + outputTokens,
      cachedInputTokens,
      reasoningTokens,
    },
    cost: toMoney(tally.totalCost),
    ...(failure ? { error: { code: failure.code, message: failure.detail } } : {}),
  };
}

export function lastChunk(
  { status, failure, finishReason }: Ending,
  messageMetadata: AnswerMetadata,
): UIMessageChunk {
  if (failure) return { type: 'error', errorText: failure.detail };
  if (status !== 'complete') return { type: 'abort', reason: status };
  return { type: 'finish', finishReason: finishReason ?? 'stop', messageMetadata };
}

export function emptyAnswer(finishReason: string | undefined): AppError {
  return finishReason === 'content-filter'
    ? upstreamError('The provider declined to answer (content filter).')
    : upstreamError('The model gave an empty answer. Try again.');
}
