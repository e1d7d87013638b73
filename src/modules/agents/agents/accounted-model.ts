import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
} from '@ai-sdk/provider';
import type { SelectedModel } from '../providers/model-selector.js';

/**
 * A selected model as the AI SDK's own functions take it, every call of theirs recorded. What a call failed with is
 * kept: those functions turn it into a text.
 */
export class AccountedModel implements LanguageModelV4 {
  readonly specificationVersion = 'v4';
  readonly provider: string;
  readonly modelId: string;
  readonly supportedUrls: LanguageModelV4['supportedUrls'];
  failure?: { error: unknown };

  constructor(private readonly model: SelectedModel) {
    this.provider = model.provider;
    this.modelId = model.modelId;
    this.supportedUrls = model.supportedUrls;
  }

  async doGenerate(options: LanguageModelV4CallOptions): Promise<LanguageModelV4GenerateResult> {
    return this.model.generate(options).catch((error: unknown) => this.fail(error));
  }

  async doStream(options: LanguageModelV4CallOptions): Promise<LanguageModelV4StreamResult> {
    const source = await this.model.stream(options).catch((error: unknown) => this.fail(error));
    const stream = new ReadableStream<LanguageModelV4StreamPart>({
      pull: async (controller) => {
        try {
          const part = await source.next();
          if (part?.type === 'error') this.failure ??= { error: part.error };
          if (part === undefined) controller.close();
          else controller.enqueue(part);
        } catch (error) {
          // A stream that rejects would end without a word: an error part ends it in good order.
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
