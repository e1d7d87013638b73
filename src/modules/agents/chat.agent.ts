import { Inject, Injectable } from '@nestjs/common';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { callSettings } from '../models/call-settings.js';
import { answerOf } from '../models/fallback/fallback.js';
import type { AnswerEnd } from '../models/ending.js';
import type { SelectedModel } from '../models/model-selector.js';
import { providerToolsFor } from '../models/provider-tools.js';
import type { Provider } from '../models/vendors/vendors.js';
import type { AgentInput, Emit } from './agent.js';
import { askedBy } from './asked-by.js';
import { toPrompt } from './history.js';
import { ModelSteps } from './model-steps.js';
import { askingFor } from './prompt/ask.js';
import { PartConverter } from './part-converter.js';

/**
 * Answers in conversation with one streamed call of the model. Its only tools are those of the provider, which runs
 * them within its answer. The tool loop of `streamText` would only pass each part through four more web streams. The
 * prompt and the chunks still have the format of the AI SDK.
 */
@Injectable()
export class ChatAgent {
  constructor(@Inject(APP_CONFIG) private readonly config: AppConfig<Provider>) {}

  /**
   * Emits the answer as chunks of the UI message stream, without `start` and `finish`.
   *
   * @returns why the model stopped
   * @throws the error of the provider
   */
  async answer(input: AgentInput, model: SelectedModel, emit: Emit): Promise<AnswerEnd | undefined> {
    const { history, signal, admission } = input;
    const stream = await answerOf(model, askedBy(input), async (asked, attempt) =>
      new ModelSteps(asked, admission, askingFor(input), attempt).stream({
        ...callSettings(asked),
        prompt: await toPrompt(history, asked, asked.agentConfig.systemPrompt),
        tools: providerToolsFor(asked, this.config),
        abortSignal: signal,
      }),
    );
    // No other model is asked any more. A long conversation needs more memory than everything else in its turn.
    input.onHistoryUsed?.();
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
    return converter.end;
  }
}
