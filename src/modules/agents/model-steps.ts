import type {
  LanguageModelV4CallOptions,
  LanguageModelV4StreamPart,
  SharedV4ProviderOptions,
} from '@ai-sdk/provider';
import { limitedTo, outputLimit } from '../models/call-settings.js';
import { isPause } from '../models/ending.js';
import { type Attempt, ONLY_ATTEMPT } from '../models/fallback/attempt.js';
import type { SelectedModel } from '../models/model-selector.js';
import { pricedUncached, withPromptCaching } from '../models/prompt-caching.js';
import { paidSearches } from '../models/provider-tools.js';
import { estimatePromptTokens } from '../models/prompt-tokens.js';
import { VENDORS } from '../models/vendors/vendors.js';
import type { Admission } from '../rate-limit/admission.js';
import { expectedCostOfWriting, type ExpectedWriting, outputWithin } from '../usage/expected-cost.js';
import { ask, type Asking } from './prompt/ask.js';
import { SaidSoFar } from './said-so-far.js';

type Part = LanguageModelV4StreamPart;
type FinishPart = Extract<Part, { type: 'finish' }>;

/** How often a provider may pause within one step. Each pause costs another call. */
const MAX_PAUSES = 8;

/** A stream that is read part by part. */
interface Source {
  next(): Promise<Part | undefined>;
  abandon(reason: unknown): void;
}

/** The streamed calls of one answer. The admission of the turn covers the first call. Each further call is reserved. */
export class ModelSteps {
  private calls: number;

  constructor(
    private readonly model: SelectedModel,
    private readonly admission?: Admission,
    private readonly asking?: Asking,
    attempt: Attempt = ONLY_ATTEMPT,
  ) {
    // The call of the model that failed before this one has used up the admission.
    this.calls = attempt.isFirst ? 0 : 1;
  }

  /** Streams one step, in as many calls as the provider needs. Resolves when the model has begun to answer. */
  async stream(options: LanguageModelV4CallOptions): Promise<Source> {
    const asked = await ask(this.model, options, (prepared) => this.open(prepared), this.asking);
    return this.canPause(options)
      ? new PausingStream(asked.answer, asked.options, this.model, (more) => this.open(more))
      : asked.answer;
  }

  /** Providers only pause while their own tools run. */
  private canPause({ tools }: LanguageModelV4CallOptions): boolean {
    const { provider } = this.model;
    if (provider === 'demo' || !tools?.some(({ type }) => type === 'provider')) return false;
    return Object.values(VENDORS[provider].endings ?? {}).includes('pause');
  }

  private async open(prepared: LanguageModelV4CallOptions): Promise<Source> {
    const { admission, model } = this;
    const options = withPromptCaching(prepared, model);
    // Estimating a long prompt takes time, and only a budget needs it.
    let known: ExpectedWriting | undefined;
    const writing = () => (known ??= this.writingOf(options));
    const priced = pricedUncached(model);
    const costs = () => expectedCostOfWriting(writing(), priced);
    const send = (room: number | undefined) => {
      const most = outputWithin(room, writing, priced);
      return model.stream({ ...options, ...limitedTo(most, model, options) });
    };
    if (this.calls === 0 && !model.ownKey && admission?.isUnchecked) await admission.checkFirst(costs());
    if (this.calls++ === 0 || !admission) {
      return send(model.ownKey ? undefined : admission?.firstRoom).catch((error: unknown) => {
        // A call that was refused does not use up the admission of the turn.
        this.calls--;
        throw error;
      });
    }
    if (this.calls === 2) admission.firstCallEnded();
    const opened = Promise.withResolvers<Source>();
    const reserved = admission.reserving({
      costs,
      ownKey: model.ownKey,
      what: 'another step of the answer',
      // The reservation lasts as long as the stream.
      make: (room) =>
        new Promise<void>((ended, failed) => {
          send(room).then((source) => opened.resolve(new EndingStream(source, ended)), failed);
        }),
    });
    reserved.catch(opened.reject);
    return opened.promise;
  }

  private writingOf(options: LanguageModelV4CallOptions): ExpectedWriting {
    return {
      promptTokens: estimatePromptTokens(options, this.model),
      maxOutputTokens: outputLimit(this.model) ?? options.maxOutputTokens,
      webSearches: paidSearches(this.model),
    };
  }
}

/** Calls back when the stream ends, fails or is abandoned. */
class EndingStream implements Source {
  constructor(
    private readonly source: Source,
    private readonly ended: () => void,
  ) {}

  async next(): Promise<Part | undefined> {
    try {
      const part = await this.source.next();
      if (part === undefined) this.ended();
      return part;
    } catch (error) {
      this.ended();
      throw error;
    }
  }

  abandon(reason: unknown): void {
    this.ended();
    this.source.abandon(reason);
  }
}

/**
 * One step of a provider that may pause in the middle. On each pause, what the model has said is sent back until the model
 * ends its answer. Readers see one answer.
 */
class PausingStream implements Source {
  private readonly answerSoFar = new SaidSoFar();
  private pauses = 0;

  constructor(
    private source: Source,
    private readonly options: LanguageModelV4CallOptions,
    private readonly model: SelectedModel,
    private readonly open: (options: LanguageModelV4CallOptions) => Promise<Source>,
  ) {}

  async next(): Promise<Part | undefined> {
    for (;;) {
      const part = await this.source.next();
      if (part === undefined) return undefined;
      this.answerSoFar.add(part);
      if (part.type !== 'finish') {
        // The first call of the step has sent these already.
        const isOpening = part.type === 'stream-start' || part.type === 'response-metadata';
        if (isOpening && this.pauses > 0) continue;
        return part;
      }
      if (!isPause(this.model.provider, part.finishReason)) return part;
      if (this.pauses === MAX_PAUSES || this.answerSoFar.content.length === 0) return atItsLimit(part);
      await this.goOn(part);
    }
  }

  abandon(reason: unknown): void {
    this.source.abandon(reason);
  }

  private async goOn(paused: FinishPart): Promise<void> {
    this.pauses++;
    // Read to the end, so that the call is recorded as complete.
    while ((await this.source.next()) !== undefined);
    const { prompt, providerOptions } = this.options;
    this.source = await this.open({
      ...this.options,
      prompt: [...prompt, { role: 'assistant', content: [...this.answerSoFar.content] }],
      providerOptions: merged(providerOptions, this.resuming(paused)),
    });
  }

  private resuming({ providerMetadata }: FinishPart): SharedV4ProviderOptions | undefined {
    const { provider } = this.model;
    return provider === 'demo' ? undefined : VENDORS[provider].resuming?.(providerMetadata ?? {});
  }
}

/** The step did not finish. It ends in the same way as at any other step limit. */
function atItsLimit(part: FinishPart): FinishPart {
  return { ...part, finishReason: { ...part.finishReason, unified: 'tool-calls' } };
}

function merged(
  options: SharedV4ProviderOptions | undefined,
  more: SharedV4ProviderOptions | undefined,
): SharedV4ProviderOptions | undefined {
  if (!more) return options;
  const vendors = Object.entries(more).map(([vendor, notes]) => [vendor, { ...options?.[vendor], ...notes }]);
  return { ...options, ...(Object.fromEntries(vendors) as SharedV4ProviderOptions) };
}
