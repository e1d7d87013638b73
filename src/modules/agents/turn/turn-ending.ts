import type { FinishReason, UIMessageChunk } from 'ai';
import { type AppError, upstreamError } from '../../../common/errors/app-error.js';
import { toMoney } from '../../../common/http/money.js';
import { NO_TOKENS } from '../../usage/pricing.js';
import type { UsageTally } from '../../usage/usage-context.js';
import type { ChosenAgent } from './agent-chooser.js';
import type { AnswerMetadata, MessageStatus } from './turn.types.js';

/** How an answer ended. */
export interface Ending {
  status: MessageStatus;
  failure?: AppError;
  finishReason?: FinishReason;
}

/** An answer that goes on has used something before. */
export function usedBefore(continued: AnswerMetadata | undefined) {
  return continued && { tokens: { ...NO_TOKENS, ...continued.usage }, totalCost: String(continued.cost) };
}

export function isUsed(tally: UsageTally, continued: AnswerMetadata | undefined): boolean {
  const before = continued?.usage ?? NO_TOKENS;
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
    ? upstreamError('The provider declined to answer this (content filter).')
    : upstreamError('The model gave an empty answer. Try again.');
}
