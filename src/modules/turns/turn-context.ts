import type { UIMessage, UIMessageChunk } from 'ai';
import { MAX_SHOWN } from '../agents/artifact.agent.js';
import type { AnsweredChat } from '../compaction/compaction.service.js';
import { assertFits, type Fit, fitted } from '../compaction/conversation-fit.js';
import type { KnownContext } from '../compaction/known-context.js';
import { contextChunk } from './answer-frame.js';
import type { Turn } from './turn.js';
import type { Answering, Candidates, ChosenAgent, Ending } from './turn-phases.js';
import type { AnswerMetadata } from './turn.types.js';

/** The shown part of an open document, at the usual number of characters per token. */
const DOCUMENT_TOKENS = Math.ceil(MAX_SHOWN / 4);

/** @throws AppError 413 if the message is too long for every agent that could answer it */
export function assertQuestionFits(
  { request: { action } }: Turn,
  candidates: Candidates,
  obvious: ChosenAgent | undefined,
): void {
  if (action.type !== 'submit') return;
  assertFits(action.message, obvious ? [obvious.model] : [...candidates.values()]);
}

/**
 * The conversation as far as it fits into the prompt of the chosen model.
 *
 * @throws AppError 413 if the question alone is too long
 */
export function fittedFor({ chosen, turn, known }: Answering, history: UIMessage[]): Fit {
  const showsDocument = chosen.agentType === 'artifact' && turn.request.documentId !== undefined;
  return fitted(history, chosen.model, { known, extraTokens: showsDocument ? DOCUMENT_TOKENS : 0 });
}

/** `lastContext` of the chat, which is also what the next turn knows of its size. */
export function lastContextOf(
  { turn, chosen: { model }, run, summarizedThrough, isShortened }: Ending,
  { usage, cost }: AnswerMetadata,
): object {
  const { lastCall } = run.figures;
  const contextWindow = model.catalog?.contextWindow ?? null;
  const context: KnownContext | undefined = lastCall && {
    messageId: turn.answerId,
    model: model.id,
    promptTokens: lastCall.inputTokens,
    // The next prompt does not contain the reasoning.
    answerTokens: lastCall.outputTokens - lastCall.reasoningTokens,
    contextWindow,
    summarizedThrough,
    isShortened,
  };
  return { ...usage, model: model.id, cost, contextWindow, ...context };
}

/** Undefined if no model was called. */
export function contextChunkOf({
  chosen: { model },
  run,
  summarizedThrough,
}: Ending): UIMessageChunk | undefined {
  const { lastCall } = run.figures;
  const contextWindow = model.catalog?.contextWindow ?? null;
  return lastCall && contextChunk(lastCall.inputTokens, { contextWindow, summarizedThrough });
}

/** The chat after the answer, for the decision whether it has become long. */
export function answeredChatOf(ending: Ending): AnsweredChat {
  const { turn, run, chosen, identity, keys, config, messages, isShortened } = ending;
  const { inputTokens = 0, outputTokens = 0, reasoningTokens = 0 } = run.figures.lastCall ?? {};
  return {
    identity,
    keys,
    config,
    chatId: turn.chatId,
    agentType: chosen.agentType,
    model: chosen.model,
    tokens: inputTokens + outputTokens - reasoningTokens,
    messages,
    isShortened,
  };
}
