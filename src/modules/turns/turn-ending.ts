import type { UIMessage, UIMessageChunk } from 'ai';
import { partsToJson } from '../../common/database/stored-json.js';
import { type AppError, upstreamError } from '../../common/errors/app-error.js';
import { toMoney } from '../../common/http/money.js';
import type { AnswerEnd } from '../models/ending.js';
import type { SelectedModel } from '../models/model-selector.js';
import { addressOf, type ModelProvider } from '../models/vendors/vendors.js';
import { NO_TOKENS } from '../usage/pricing.js';
import { RunFigures } from '../accounting/accounted-run.js';
import type { MessageAssembler } from './message-assembler.js';
import type { ChosenAgent, End } from './turn-phases.js';
import type { AnswerMetadata } from './turn.types.js';

/** The earlier usage of an answer that is continued. The stored value may have any form. Anything that is not a number counts as 0. */
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
    ...nameOf(model),
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

/** Which model answers, as the metadata of an answer names it. */
export function nameOf({ id, standsInFor }: SelectedModel): Pick<AnswerMetadata, 'model' | 'fallbackFor'> {
  return { model: id, ...(standsInFor === undefined ? {} : { fallbackFor: standsInFor }) };
}

/** The last chunks of the stream. They carry the same metadata as the stored message. */
export function lastChunks(
  { status, failure, finishReason }: End,
  messageMetadata: object,
): UIMessageChunk[] {
  if (status === 'complete' && !failure)
    return [{ type: 'finish', finishReason: finishReason ?? 'stop', messageMetadata }];
  const last: UIMessageChunk = failure
    ? { type: 'error', errorText: failure.detail }
    : { type: 'abort', reason: status };
  return [{ type: 'message-metadata', messageMetadata }, last];
}

/** The ending of an answer that no error has cut off. */
export function endingOf(
  end: AnswerEnd | undefined,
  answer: Pick<MessageAssembler, 'hasContent' | 'hasAnswer'>,
  provider: ModelProvider,
): End {
  const { finishReason = 'stop', reason } = end ?? {};
  if (finishReason === 'content-filter' && !answer.hasAnswer())
    return { status: 'failed', finishReason, failure: declined(provider, reason) };
  // Reasoning alone can use up the token limit.
  if (finishReason === 'length' || answer.hasContent()) return { status: 'complete', finishReason };
  return failed(upstreamError('The model gave an empty answer. Try again.'));
}

export function failed(failure: AppError): End {
  return { status: 'failed', finishReason: 'error', failure };
}

function declined(provider: ModelProvider, reason = 'content filter'): AppError {
  return upstreamError(`${addressOf(provider).name} declined to answer (${reason}). Rephrase your message.`);
}

/** Undefined if the nesting is too deep for JSON. */
export function jsonOf(parts: UIMessage['parts']): string | undefined {
  try {
    return partsToJson(parts);
  } catch {
    return undefined;
  }
}
