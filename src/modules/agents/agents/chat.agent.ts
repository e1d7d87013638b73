import { Injectable } from '@nestjs/common';
import type { UIMessage } from 'ai';
import { convertToLanguageModelPrompt, standardizePrompt } from 'ai/internal';
import type { LanguageModelV4Prompt } from '@ai-sdk/provider';
import type { SelectedModel } from '../providers/model-selector.js';
import { providerOptionsFor } from '../providers/provider-options.js';
import type { AgentInput, Emit } from '../turn/turn.types.js';
import { toModelMessages } from './history.js';
import { PartConverter } from './part-converter.js';

/**
 * Answers in conversation: one streamed call of the model. It has no tools of its own, so the tool loop of `streamText`
 * would only pass the parts through four more web streams each; the prompt and the chunks are the AI SDK's all the same.
 */
@Injectable()
export class ChatAgent {
  /**
   * Emits the answer as chunks of the UI message stream, without `start` and `finish`.
   *
   * @returns why the model stopped
   * @throws what the provider failed with
   */
  async answer(
    { history, signal }: AgentInput,
    model: SelectedModel,
    emit: Emit,
  ): Promise<string | undefined> {
    const { systemPrompt, parameters } = model.agentConfig;
    const stream = await model.stream({
      ...parameters,
      prompt: await toPrompt(history, systemPrompt, model),
      providerOptions: providerOptionsFor(model),
      abortSignal: signal,
    });
    const converter = new PartConverter(emit);
    emit({ type: 'start-step' });
    try {
      for (;;) {
        const part = await stream.next();
        if (part === undefined) break;
        if (part.type === 'error') throw part.error;
        await converter.convert(part);
      }
    } catch (error) {
      stream.abandon(error);
      throw error;
    }
    emit({ type: 'finish-step' });
    return converter.finishReason;
  }
}

async function toPrompt(
  history: UIMessage[],
  instructions: string,
  model: SelectedModel,
): Promise<LanguageModelV4Prompt> {
  const prompt = await standardizePrompt({ instructions, messages: await toModelMessages(history) });
  return convertToLanguageModelPrompt({
    prompt,
    supportedUrls: await model.supportedUrls,
    download: undefined,
    provider: model.provider,
  });
}
