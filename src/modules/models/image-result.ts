import type {
  ImageModelV4CallOptions,
  ImageModelV4File,
  ImageModelV4Result,
  ImageModelV4Usage,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import { type AppError, upstreamError } from '../../common/errors/app-error.js';
import type { TokenUsage } from '../usage/pricing.js';
import { addressOf, type ModelProvider, VENDORS } from './vendors/vendors.js';

/** A request to an image model. */
export interface ImageTask {
  prompt: string;
  /** The picture to change. Without it, a new picture is drawn. */
  base?: ImageModelV4File;
  abortSignal: AbortSignal;
}

/** One picture, in the vendor's default format. */
export const NO_IMAGE_OPTIONS = {
  n: 1,
  size: undefined,
  aspectRatio: undefined,
  seed: undefined,
  mask: undefined,
  providerOptions: {},
} satisfies Partial<ImageModelV4CallOptions>;

/** If image models report tokens, they report two plain sums. */
export function toLanguageUsage(usage: ImageModelV4Usage | undefined): LanguageModelV4Usage {
  const { inputTokens: input, outputTokens: output } = usage ?? {};
  return {
    inputTokens: { total: input, noCache: input, cacheRead: undefined, cacheWrite: undefined },
    outputTokens: { total: output, text: output, reasoning: undefined },
  };
}

/** Tokens of pictures, input and output, if the vendor bills them at a separate price. */
export function imageDetails(provider: ModelProvider, result: ImageModelV4Result): Partial<TokenUsage> {
  return provider === 'demo' ? {} : (VENDORS[provider].images?.details?.(result) ?? {});
}

/** Why an answer has no picture. Gemini answers like this if its rules forbid the picture, and the answer is final. */
export function missingBecause({ isRetryable }: ImageModelV4Result): 'content-filter' | 'other' {
  return isRetryable === false ? 'content-filter' : 'other';
}

export function noImage(provider: ModelProvider, result: ImageModelV4Result): AppError {
  const { name } = addressOf(provider);
  return missingBecause(result) === 'other'
    ? upstreamError(`${name} returned no image.`)
    : contentRefused(name);
}

/** The vendor's rules forbid it. The user must ask for something else. */
export function contentRefused(name: string, cause?: unknown): AppError {
  return upstreamError(
    `${name} declined the request because of its content rules. Ask for something else.`,
    cause,
  );
}
