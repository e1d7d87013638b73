import type { LanguageModelV4CallOptions, LanguageModelV4FilePart } from '@ai-sdk/provider';
import { estimateTokens, estimateTokensOfSize } from '../usage/token-estimate.js';
import {
  beginningOf,
  byteLengthOf,
  pagesOfPdf,
  pagesOfSize,
  pictureSize,
  secondsOfSize,
  secondsOfSound,
  secondsOfVideo,
} from './media-tokens.js';
import { type ModelProvider, VENDORS } from './vendors/vendors.js';

/** The tokens that a vendor adds around each message. */
const OF_MESSAGE = 4;
/** The tokens that a vendor adds around the description of a tool. */
const OF_TOOL = 12;
/** The tokens that a vendor uses to describe its own tool to the model. */
const OF_VENDOR_TOOL = 400;
/** The tokens of a file of an unknown kind. */
const OF_UNKNOWN_FILE = 1_500;
/** The number of bytes of a text file that the estimate of its tokens is based on. */
const TEXT_SAMPLE = 256 * 1024;

/** The vendor and model of the call, because vendors count files differently. */
export interface AskedModel {
  provider: ModelProvider;
  modelId: string;
}

/** The tokens of a text for this model. Some models use more tokens than the tokenizer on which the estimate is based. */
export function estimateTextTokens(text: string, asked: AskedModel): number {
  return Math.ceil(estimateTokens(text) * tokensPerEstimate(asked));
}

/** The factor for the model's own tokenizer. */
export function tokensPerEstimate({ provider, modelId }: AskedModel): number {
  return provider === 'demo' ? 1 : (VENDORS[provider].tokensPerEstimate?.(modelId) ?? 1);
}

type Prompt = LanguageModelV4CallOptions['prompt'];
type Content = Exclude<Prompt[number]['content'], string>[number];
type FileData = LanguageModelV4FilePart['data'];

/**
 * The tokens that a call reads: instructions, messages, files, and descriptions of tools. It is an estimate, used for
 * the reservation before the call, and for calls whose vendor reports nothing.
 */
export function estimatePromptTokens(
  { prompt, tools = [] }: Pick<LanguageModelV4CallOptions, 'prompt' | 'tools'>,
  asked: AskedModel,
): number {
  let tokens = 0;
  for (const { content } of prompt) {
    tokens += OF_MESSAGE;
    if (typeof content === 'string') tokens += estimateTextTokens(content, asked);
    else for (const part of content) tokens += tokensOfPart(part, asked);
  }
  for (const tool of tools) {
    tokens +=
      tool.type === 'provider'
        ? OF_VENDOR_TOOL
        : OF_TOOL +
          estimateTextTokens(
            `${tool.name} ${tool.description ?? ''} ${JSON.stringify(tool.inputSchema)}`,
            asked,
          );
  }
  return tokens;
}

function tokensOfPart(part: Content, asked: AskedModel): number {
  switch (part.type) {
    case 'text':
    case 'reasoning':
      return estimateTextTokens(part.text, asked);
    case 'file':
    case 'reasoning-file':
      return estimateFileTokens(part.mediaType, part.data, asked);
    case 'tool-call':
      return OF_MESSAGE + estimateTextTokens(`${part.toolName} ${JSON.stringify(part.input)}`, asked);
    case 'tool-result': {
      const { output } = part;
      if (output.type !== 'content')
        return OF_MESSAGE + estimateTextTokens('value' in output ? asText(output.value) : '', asked);
      return output.value.reduce(
        (sum, piece) =>
          sum +
          (piece.type === 'file'
            ? estimateFileTokens(piece.mediaType, piece.data, asked)
            : estimateTextTokens(piece.type === 'text' ? piece.text : '', asked)),
        OF_MESSAGE,
      );
    }
    default:
      return 0;
  }
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

/** The tokens of a file, by its kind and by the vendor's rules. */
export function estimateFileTokens(mediaType: string, file: FileData, asked: AskedModel): number {
  const { provider, modelId } = asked;
  if (file.type === 'text') return estimateTextTokens(file.text, asked);
  // If only the vendor has the file, nothing is known about it here.
  if (file.type !== 'data') return OF_UNKNOWN_FILE;
  const { data } = file;
  const rules = provider === 'demo' ? undefined : VENDORS[provider].media;
  if (!rules) return OF_UNKNOWN_FILE;
  if (mediaType.startsWith('image/')) return rules.picture(pictureSize(data), modelId);
  if (mediaType === 'application/pdf') return pagesOfPdf(data) * rules.tokensOfPage(modelId);
  if (mediaType.startsWith('audio/')) return secondsOfSound(data) * rules.tokensOfSecond;
  if (mediaType.startsWith('video/'))
    return secondsOfVideo(byteLengthOf(data)) * (rules.tokensOfVideoSecond ?? 0);
  if (!isText(mediaType)) return OF_UNKNOWN_FILE;
  const sample = beginningOf(data, TEXT_SAMPLE);
  const tokens = estimateTextTokens(sample.toString('utf8'), asked);
  return Math.ceil((tokens * byteLengthOf(data)) / Math.max(1, sample.length));
}

/**
 * The tokens of a file that has not been read yet.
 *
 * @param bytes its size, if that is known
 * @param beginning its first bytes as base64, if they are known
 */
export function estimateUnreadFileTokens(
  mediaType: string,
  { bytes, beginning = '' }: { bytes?: number; beginning?: string },
  asked: AskedModel,
): number {
  const { provider, modelId } = asked;
  const rules = provider === 'demo' ? undefined : VENDORS[provider].media;
  if (rules && mediaType.startsWith('image/')) return rules.picture(pictureSize(beginning), modelId);
  if (!rules || bytes === undefined) return OF_UNKNOWN_FILE;
  if (mediaType === 'application/pdf') return pagesOfSize(bytes) * rules.tokensOfPage(modelId);
  if (mediaType.startsWith('audio/')) return secondsOfSize(bytes) * rules.tokensOfSecond;
  if (mediaType.startsWith('video/')) return secondsOfVideo(bytes) * (rules.tokensOfVideoSecond ?? 0);
  if (!isText(mediaType)) return OF_UNKNOWN_FILE;
  return Math.ceil(estimateTokensOfSize({ characters: bytes, bytes }) * tokensPerEstimate(asked));
}

function isText(mediaType: string): boolean {
  return (
    mediaType.startsWith('text/') || /^application\/(?:.+\+)?(?:json|xml|yaml|javascript)\b/.test(mediaType)
  );
}
