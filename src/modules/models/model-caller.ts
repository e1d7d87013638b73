import { setTimeout as sleep } from 'node:timers/promises';
import type {
  ImageModelV4,
  ImageModelV4File,
  LanguageModelV4,
  LanguageModelV4CallOptions,
  LanguageModelV4FilePart,
  LanguageModelV4GenerateResult,
} from '@ai-sdk/provider';
import { Inject, Injectable, Logger } from '@nestjs/common';
import { APP_CONFIG, type AppConfig } from '../../config/app-config.js';
import { CallStream } from './call-stream.js';
import { Deadline } from './deadline.js';
import {
  type ImageTask,
  imageDetails,
  missingBecause,
  NO_IMAGE_OPTIONS,
  noImage,
  toLanguageUsage,
} from './image-result.js';
import { endOf } from './ending.js';
import type { CallLimits } from './fallback/attempt.js';
import { ModelCall, type ModelDescriptor } from './call-record.js';
import { startCounters } from './model-metrics.js';
import {
  isRefusal,
  isRetryable,
  retryAfterSeconds,
  UnfinishedError,
  upstreamFailure,
} from './upstream-failure.js';
import { VENDORS } from './vendors/vendors.js';

const MAX_RETRIES = 2;
const BACKOFF = [300, 1_200];
/** If a provider asks for a longer wait than this, the call is not retried. The client gets the wait instead. */
const LONGEST_WAIT = 3;
/** A picture arrives in one piece, so it gets this many times the timeout of a first token. Some pictures take up to two minutes. */
const DRAWING = 3;

/**
 * Makes every model call. Each attempt is recorded as a call of its own, silence has a deadline, and a call that fails
 * before its first byte is retried. After the first byte, nothing is repeated.
 */
@Injectable()
export class ModelCalls {
  private readonly logger = new Logger(ModelCalls.name);

  constructor(@Inject(APP_CONFIG) private readonly config: AppConfig) {
    startCounters();
  }

  /** One call that is not streamed. */
  async generate(
    model: LanguageModelV4,
    descriptor: ModelDescriptor,
    params: LanguageModelV4CallOptions,
    limits?: CallLimits,
  ): Promise<LanguageModelV4GenerateResult> {
    const attempt = async (call: ModelCall, deadline: Deadline): Promise<LanguageModelV4GenerateResult> => {
      const result = await model.doGenerate({ ...params, abortSignal: deadline.signal });
      deadline.clear();
      const { finishReason, reason } = endOf(descriptor.provider, result.finishReason);
      call.noteAnsweredBy(result.response?.modelId);
      call.noteContent(result.content);
      call.noteFinish(result.usage, finishReason);
      if (finishReason === 'error') throw new UnfinishedError(reason);
      call.end('success');
      return { ...result, finishReason: { unified: finishReason, raw: reason } };
    };
    return this.withRetries(descriptor, params, attempt, { limits });
  }

  /** One streamed call. When this resolves, the model has begun to answer. */
  async stream(
    model: LanguageModelV4,
    descriptor: ModelDescriptor,
    params: LanguageModelV4CallOptions,
    limits?: CallLimits,
  ): Promise<CallStream> {
    const attempt = async (call: ModelCall, deadline: Deadline): Promise<CallStream> => {
      const { stream } = await model.doStream({
        ...params,
        abortSignal: deadline.signal,
        includeRawChunks: descriptor.provider !== 'demo' && VENDORS[descriptor.provider].usage.inRawChunks,
      });
      const source = new CallStream(stream, descriptor.provider, call, deadline, (error) =>
        this.failureCode(error, descriptor),
      );
      await source.begin();
      deadline.begun(this.config.upstream.idleTimeout);
      return source;
    };
    return this.withRetries(descriptor, params, attempt, { limits });
  }

  /**
   * One picture.
   *
   * @returns the picture in base64
   * @throws AppError, also if the provider answers without a picture
   */
  async generateImage(model: ImageModelV4, descriptor: ModelDescriptor, task: ImageTask): Promise<string> {
    const { prompt, base, abortSignal } = task;
    const params: LanguageModelV4CallOptions = {
      prompt: [{ role: 'user', content: [{ type: 'text', text: prompt }, ...(base ? [toPart(base)] : [])] }],
      abortSignal,
    };
    const attempt = async (call: ModelCall, deadline: Deadline): Promise<string> => {
      const result = await model.doGenerate({
        ...NO_IMAGE_OPTIONS,
        prompt,
        files: base && [base],
        abortSignal: deadline.signal,
      });
      deadline.clear();
      const [image] = result.images;
      // The request is billed even if it has no result.
      call.noteImages(image ? 1 : 0);
      call.noteImageDetails(imageDetails(descriptor.provider, result));
      call.noteFinish(toLanguageUsage(result.usage), image ? 'stop' : missingBecause(result));
      if (!image) throw noImage(descriptor.provider, result);
      call.end('success');
      return typeof image === 'string' ? image : Buffer.from(image).toString('base64');
    };
    const patience = this.config.upstream.firstByteTimeout * DRAWING;
    return this.withRetries(descriptor, params, attempt, { patience });
  }

  private async withRetries<T>(
    descriptor: ModelDescriptor,
    params: LanguageModelV4CallOptions,
    attempt: (call: ModelCall, deadline: Deadline) => Promise<T>,
    {
      patience = this.config.upstream.firstByteTimeout,
      limits,
    }: { patience?: number; limits?: CallLimits } = {},
  ): Promise<T> {
    for (let retry = 0; ; retry++) {
      const call = new ModelCall(descriptor, params);
      const deadline = new Deadline(params.abortSignal, patienceWithin(limits, patience));
      try {
        return await attempt(call, deadline);
      } catch (thrown) {
        const { aborted } = deadline.signal;
        const error = aborted ? (deadline.signal.reason as unknown) : thrown;
        deadline.end(error);
        const isBilled = deadline.wasSent && (aborted || !isRefusal(error));
        call.noteFailure(error, { isBilled });
        if (params.abortSignal?.aborted) call.end('aborted');
        else call.end('error', this.failureCode(error, descriptor));
        const wait = limits?.repeats === false ? undefined : retryWait(error, retry);
        if (params.abortSignal?.aborted || wait === undefined) throw error;
        if (isBilled && !(await call.mayRepeat())) throw error;
        await sleep(wait, undefined, { signal: params.abortSignal });
      }
    }
  }

  /** The stable code of a failure. The cause goes to the log. */
  private failureCode(error: unknown, { provider, id, ownKey }: ModelDescriptor): string {
    const { code } = upstreamFailure(error, { provider, ownKey });
    this.logger.warn({ err: error, provider, model: id, code }, 'A model call failed.');
    return code;
  }
}

/** A picture, as the estimate of a prompt counts it. */
function toPart(base: ImageModelV4File): LanguageModelV4FilePart {
  return base.type === 'file'
    ? { type: 'file', mediaType: base.mediaType, data: { type: 'data', data: base.data } }
    : { type: 'file', mediaType: 'image/*', data: { type: 'url', url: new URL(base.url) } };
}

function patienceWithin(limits: CallLimits | undefined, patience: number): number {
  if (limits?.until === undefined) return patience;
  return Math.max(1, Math.min(patience, limits.until - performance.now()));
}

/** Milliseconds until the next attempt, or undefined if there should be none. */
function retryWait(error: unknown, retry: number): number | undefined {
  const backoff = BACKOFF[retry];
  if (retry >= MAX_RETRIES || backoff === undefined || !isRetryable(error)) return undefined;
  const asked = retryAfterSeconds(error);
  if (asked !== undefined && asked > LONGEST_WAIT) return undefined;
  return Math.max(backoff * (0.75 + Math.random() / 2), (asked ?? 0) * 1000);
}
