import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
} from '@ai-sdk/provider';
import type { Admission } from '../rate-limit/admission.js';
import { type Attempt, ONLY_ATTEMPT } from '../models/fallback/attempt.js';
import { answerEnd, type AnswerEnd } from '../models/ending.js';
import type { SelectedModel } from '../models/model-selector.js';
import { ModelSteps } from './model-steps.js';
import type { Asking } from './prompt/ask.js';
import { toVendorPrompt } from './prompt/vendor-prompt.js';

/**
 * A selected model for the functions of the AI SDK. Every call is recorded. The error of a failed call is kept, because
 * those functions turn it into a text. The admission of the turn covers the first call. Each further call is reserved.
 */
export class AccountedModel implements LanguageModelV4 {
  readonly specificationVersion = 'v4';
  readonly provider: string;
  readonly modelId: string;
  /** None, because vendors do not fetch URLs that a message contains. */
  readonly supportedUrls = {};
  failure?: { error: unknown };
  /** The ending of the last call. */
  end?: AnswerEnd;

  private readonly steps: ModelSteps;

  constructor(
    private readonly model: SelectedModel,
    admission?: Admission,
    asking?: Asking,
    attempt: Attempt = ONLY_ATTEMPT,
  ) {
    this.steps = new ModelSteps(model, admission, asking, attempt);
    this.provider = model.provider;
    this.modelId = model.modelId;
  }

  async doGenerate(options: LanguageModelV4CallOptions): Promise<LanguageModelV4GenerateResult> {
    return this.model
      .generate({ ...options, prompt: toVendorPrompt(options.prompt, this.model.provider) })
      .catch((error: unknown) => this.fail(error));
  }

  async doStream(options: LanguageModelV4CallOptions): Promise<LanguageModelV4StreamResult> {
    const source = await this.steps.stream(options).catch((error: unknown) => this.fail(error));
    const stream = new ReadableStream<LanguageModelV4StreamPart>({
      pull: async (controller) => {
        try {
          const part = await source.next();
          if (part?.type === 'error') this.failure ??= { error: part.error };
          if (part?.type === 'finish') this.end = answerEnd(part.finishReason);
          if (part !== undefined) return controller.enqueue(part);
          controller.close();
        } catch (error) {
          // A stream that rejects would end without a message. An error part ends it properly.
          this.failure ??= { error };
          controller.enqueue({ type: 'error', error });
          controller.close();
        }
      },
      cancel: (reason) => source.abandon(reason),
    });
    return { stream };
  }

  private fail(error: unknown): never {
    this.failure ??= { error };
    throw error;
  }
}
