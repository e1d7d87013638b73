import type {
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4GenerateResult,
  LanguageModelV4StreamPart,
  LanguageModelV4StreamResult,
} from '@ai-sdk/provider';
import type { Admission } from '../rate-limit/admission.js';
import { type ExpectedCost, expectedCostOfWriting } from '../usage/expected-cost.js';
import { accountedSoFar } from '../usage/usage-context.js';
import type { SelectedModel } from '../models/model-selector.js';
import { promptCharacters } from '../models/token-usage.js';
import { ask, type Asking } from './prompt/ask.js';
import { toVendorPrompt } from './prompt/vendor-prompt.js';

/**
 * A selected model as the AI SDK's own functions take it, every call of theirs recorded. What a call failed with is
 * kept: those functions turn it into a text. The turn was let in for the first call; each further one is reserved.
 */
export class AccountedModel implements LanguageModelV4 {
  readonly specificationVersion = 'v4';
  readonly provider: string;
  readonly modelId: string;
  /** None: a vendor does not read what a message names. */
  readonly supportedUrls = {};
  failure?: { error: unknown };

  private calls = 0;

  constructor(
    private readonly model: SelectedModel,
    private readonly admission?: Admission,
    private readonly asking?: Asking,
  ) {
    this.provider = model.provider;
    this.modelId = model.modelId;
  }

  async doGenerate(options: LanguageModelV4CallOptions): Promise<LanguageModelV4GenerateResult> {
    return this.model
      .generate({ ...options, prompt: toVendorPrompt(options.prompt, this.model.provider) })
      .catch((error: unknown) => this.fail(error));
  }

  async doStream(options: LanguageModelV4CallOptions): Promise<LanguageModelV4StreamResult> {
    const { admission } = this;
    if (this.calls++ === 0 || !admission) return this.open(options);
    if (this.calls === 2) admission.firstCallEnded();
    const opened = Promise.withResolvers<LanguageModelV4StreamResult>();
    const reserved = admission.reserving({
      ...this.expectedCost(options),
      what: 'another step of the answer',
      // The reservation lasts as long as the stream.
      make: () =>
        new Promise<void>((ended, failed) => {
          this.open(options, ended).then(opened.resolve, failed);
        }),
      accounted: accountedSoFar,
    });
    reserved.catch((error: unknown) => {
      this.failure ??= { error };
      opened.reject(error);
    });
    return opened.promise;
  }

  private expectedCost({ prompt, maxOutputTokens }: LanguageModelV4CallOptions): ExpectedCost {
    const writing = { promptCharacters: promptCharacters(prompt), maxOutputTokens };
    return expectedCostOfWriting(writing, this.model.catalog);
  }

  private async open(
    options: LanguageModelV4CallOptions,
    ended?: () => void,
  ): Promise<LanguageModelV4StreamResult> {
    const source = await ask(this.model, options, this.asking).catch((error: unknown) => this.fail(error));
    const stream = new ReadableStream<LanguageModelV4StreamPart>({
      pull: async (controller) => {
        try {
          const part = await source.next();
          if (part?.type === 'error') this.failure ??= { error: part.error };
          if (part !== undefined) return controller.enqueue(part);
          ended?.();
          controller.close();
        } catch (error) {
          ended?.();
          // A stream that rejects would end without a word: an error part ends it in good order.
          this.failure ??= { error };
          controller.enqueue({ type: 'error', error });
          controller.close();
        }
      },
      cancel: (reason) => {
        ended?.();
        return source.abandon(reason);
      },
    });
    return { stream };
  }

  private fail(error: unknown): never {
    this.failure ??= { error };
    throw error;
  }
}
