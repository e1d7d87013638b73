import type { FinishReason, UIMessageChunk } from 'ai';
import { type AppError, upstreamError } from '../../common/errors/app-error.js';
import { toMoney } from '../../common/http/money.js';
import { NO_TOKENS } from '../usage/pricing.js';
import { RunFigures } from '../accounting/accounted-run.js';
import type { ChosenAgent, Ending } from './turn-phases.js';
import type { AnswerMetadata } from './turn.types.js';

/** An answer that goes on has used something before. What is stored may be of any shape; what is no figure counts as 0. */
export function usedBefore(continued: AnswerMetadata | undefined): RunFigures | undefined {
  if (!continued) return undefined;
  const usage: Partial<Record<string, unknown>> = { ...continued.usage };
  const tokens = { ...NO_TOKENS };
  for (const name of ['inputTokens', 'outputTokens', 'cachedInputTokens', 'reasoningTokens'] as const)
    tokens[name] = Math.trunc(figureOf(usage[name]));
  return new RunFigures(tokens, String(figureOf(continued.cost)));
}

function figureOf(value: unknown): number {
  return typeof value === 'number' && Number.isFinite(value) && value > 0 ? value : 0;
}

export function metadataOf(
  { agentType, model }: Pick<ChosenAgent, 'agentType' | 'model'>,
  { tokens, totalCost }: RunFigures,
  failure: AppError | undefined,
): AnswerMetadata {
  const { inputTokens, outputTokens, cachedInputTokens, reasoningTokens } = tokens;
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
    cost: toMoney(totalCost),
    ...(failure ? { error: { code: failure.code, message: failure.detail } } : {}),
  };
}

export function lastChunk(
  { status, failure, finishReason }: Pick<Ending, 'status' | 'failure' | 'finishReason'>,
  messageMetadata: AnswerMetadata,
): UIMessageChunk {
  if (failure) return { type: 'error', errorText: failure.detail };
  if (status !== 'complete') return { type: 'abort', reason: status };
  return { type: 'finish', finishReason: (finishReason ?? 'stop') as FinishReason, messageMetadata };
}

export function emptyAnswer(finishReason: string | undefined): AppError {
  return finishReason === 'content-filter'
    ? upstreamError('The provider declined to answer (content filter).')
    : upstreamError('The model gave an empty answer. Try again.');
}
