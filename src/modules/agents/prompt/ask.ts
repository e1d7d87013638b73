import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { SelectedModel } from '../../models/model-selector.js';
import { messageTooLong } from '../../../common/errors/app-error.js';
import { refusedContent, refusedLength } from '../../models/upstream-failure.js';
import { FileUploadError } from '../../models/uploaded-files.js';
import type { AgentInput } from '../agent.js';
import { inWordsAlone } from './plain-prompt.js';
import { isAboutFile, type RefusedFile, refusedInQuestion, suspectsOf } from './refused-files.js';
import { endsWithQuestion, shorterPrompt } from './shorter-prompt.js';
import { toVendorPrompt } from './vendor-prompt.js';

export interface Asking {
  /** The message to answer. Earlier messages must not prevent an answer to it. */
  questionId?: string;
  /** Stores which files the vendor could not process, and names them to the user. */
  onRefusedFiles?: (files: readonly RefusedFile[]) => void;
  /** Called when the oldest turns were left out because the vendor refused the length of the prompt. */
  onShortened?: () => void;
}

type Model = Pick<SelectedModel, 'id' | 'provider' | 'modelId' | 'ownKey'>;

/** The answer of a model, and the call that produced it. */
export interface Asked<Answer> {
  answer: Answer;
  options: LanguageModelV4CallOptions;
}

export function askingFor({ history, onRefusedFiles, onShortened }: AgentInput): Asking {
  return { questionId: history.at(-1)?.id, onRefusedFiles, onShortened };
}

/**
 * Asks a model with a history. If the vendor refuses the content of the call, the model is asked once more with the
 * earlier messages as plain text: old content must not prevent an answer to a new question. If the vendor refuses its
 * length, the model is asked once more without the oldest turns.
 *
 * @throws AppError 400 naming the files of the question that the vendor cannot process, 413 if the question alone is too
 * long; the error of the call
 */
export async function ask<Answer>(
  model: Model,
  options: LanguageModelV4CallOptions,
  call: (options: LanguageModelV4CallOptions) => Promise<Answer>,
  asking: Asking = {},
): Promise<Asked<Answer>> {
  const { provider } = model;
  const first = { ...options, prompt: toVendorPrompt(options.prompt, provider) };
  try {
    return { answer: await call(first), options: first };
  } catch (error) {
    if (options.abortSignal?.aborted) throw error;
    const tooLong = refusedLength(error);
    if (tooLong !== undefined) return askShorter({ model, options, call, asking }, tooLong, error);
    return askInWords({ model, options: first, call, asking }, error);
  }
}

interface Attempt<Answer> {
  model: Model;
  options: LanguageModelV4CallOptions;
  call: (options: LanguageModelV4CallOptions) => Promise<Answer>;
  asking: Asking;
}

async function askShorter<Answer>(
  { model, options, call, asking }: Attempt<Answer>,
  words: string,
  error: unknown,
): Promise<Asked<Answer>> {
  const { prompt } = options;
  const shorter = shorterPrompt(prompt, words, model);
  // The steps of an answer cannot be shortened.
  const explained = (cause: unknown) =>
    refusedLength(cause) !== undefined && endsWithQuestion(prompt) ? messageTooLong(model.id, cause) : cause;
  if (!shorter) throw explained(error);
  asking.onShortened?.();
  const second = { ...options, prompt: toVendorPrompt(shorter, model.provider) };
  const answer = await call(second).catch((again: unknown) => {
    // Earlier turns may still be the reason.
    throw shorterPrompt(shorter, words, model) ? again : explained(again);
  });
  return { answer, options: second };
}

async function askInWords<Answer>(
  { model, options, call, asking: { questionId, onRefusedFiles } }: Attempt<Answer>,
  error: unknown,
): Promise<Asked<Answer>> {
  const { provider } = model;
  const { prompt } = options;
  const words = refusedContent(error, model);
  const isUnsent = error instanceof FileUploadError;
  if (words === undefined && !isUnsent) throw error;
  const suspects = isUnsent || isAboutFile(words ?? '', provider) ? suspectsOf(error, prompt) : [];
  const own = suspects.filter(({ messageId }) => messageId === questionId);
  const earlier = suspects.filter(({ messageId }) => messageId !== questionId);
  const isForEarlier = earlier.length > 0 || own.length === 0;
  const inWords = isForEarlier ? inWordsAlone(prompt, questionId) : undefined;
  if (!inWords) {
    if (own.length === 0 || words === undefined) throw error;
    onRefusedFiles?.(own);
    throw refusedInQuestion(own, provider, error);
  }
  const plain = { ...options, prompt: toVendorPrompt(inWords, provider) };
  const answer = await call(plain).catch((second: unknown) => {
    const secondWords = refusedContent(second, model);
    if (own.length === 0 || secondWords === undefined || !isAboutFile(secondWords, provider)) throw second;
    onRefusedFiles?.(own);
    throw refusedInQuestion(own, provider, second);
  });
  if (words !== undefined && earlier.length > 0) onRefusedFiles?.(earlier);
  return { answer, options: plain };
}
