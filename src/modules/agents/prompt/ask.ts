import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { SelectedModel } from '../../models/model-selector.js';
import { refusedContent } from '../../models/upstream-failure.js';
import { FileUploadError } from '../../models/uploaded-files.js';
import type { AgentInput } from '../agent.js';
import { inWordsAlone } from './plain-prompt.js';
import { isAboutFile, type RefusedFile, refusedInQuestion, suspectsOf } from './refused-files.js';
import { toVendorPrompt } from './vendor-prompt.js';

export interface Asking {
  /** The message that is answered: what stands before it must not keep the model from answering it. */
  questionId?: string;
  /** Remembers files that the vendor could not process, and names them to the user. */
  onRefusedFiles?: (files: readonly RefusedFile[]) => void;
}

/** What a model has answered, and the call that it has answered. */
export interface Asked<Answer> {
  answer: Answer;
  options: LanguageModelV4CallOptions;
}

export function askingFor({ history, onRefusedFiles }: AgentInput): Asking {
  return { questionId: history.at(-1)?.id, onRefusedFiles };
}

/**
 * Asks a model with a history. If the vendor refuses the call for what it contains, it is asked once more with the earlier
 * messages in words alone: what stands there must not keep a later question from being answered.
 *
 * @throws AppError 400 naming the files of the question that the vendor cannot process; what the call failed with
 */
export async function ask<Answer>(
  model: Pick<SelectedModel, 'provider' | 'ownKey'>,
  options: LanguageModelV4CallOptions,
  call: (options: LanguageModelV4CallOptions) => Promise<Answer>,
  { questionId, onRefusedFiles }: Asking = {},
): Promise<Asked<Answer>> {
  const { provider } = model;
  const prompt = toVendorPrompt(options.prompt, provider);
  const first = { ...options, prompt };
  try {
    return { answer: await call(first), options: first };
  } catch (error) {
    const words = refusedContent(error, model);
    const isUnsent = error instanceof FileUploadError;
    if ((words === undefined && !isUnsent) || options.abortSignal?.aborted) throw error;
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
}
