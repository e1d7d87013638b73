import { isToolUIPart, type UIMessage } from 'ai';
import {
  type AskedModel,
  estimateFileTokens,
  estimateTextTokens,
  estimateUnreadFileTokens,
} from './prompt-tokens.js';

/** The tokens that a vendor adds around each message. */
const OF_MESSAGE = 4;

/**
 * The tokens of stored messages. Their form in the prompt has about the same length.
 *
 * @param fileSizes the sizes in bytes of files in storage, by their path, as far as they are known
 */
export function estimateMessageTokens(
  messages: ReadonlyArray<Pick<UIMessage, 'parts'>>,
  asked: AskedModel,
  fileSizes?: ReadonlyMap<string, number>,
): number {
  let tokens = 0;
  for (const { parts } of messages) {
    tokens += OF_MESSAGE;
    for (const part of parts) tokens += tokensOfPart(part, asked, fileSizes);
  }
  return tokens;
}

function tokensOfPart(
  part: UIMessage['parts'][number],
  asked: AskedModel,
  fileSizes: ReadonlyMap<string, number> | undefined,
): number {
  if (part.type === 'text' || part.type === 'reasoning') return estimateTextTokens(part.text, asked);
  if (part.type === 'file') return tokensOfFile(part, asked, fileSizes?.get(part.url));
  if (!isToolUIPart(part)) return 0;
  const output = 'output' in part ? part.output : undefined;
  return (
    OF_MESSAGE * 2 + estimateTextTokens(asText(part.input), asked) + estimateTextTokens(asText(output), asked)
  );
}

function tokensOfFile(
  { mediaType, url }: { mediaType: string; url: string },
  asked: AskedModel,
  bytes: number | undefined,
): number {
  const comma = url.startsWith('data:') ? url.indexOf(',') : -1;
  if (comma < 0) return estimateUnreadFileTokens(mediaType, { bytes }, asked);
  return estimateFileTokens(mediaType, { type: 'data', data: url.slice(comma + 1) }, asked);
}

function asText(value: unknown): string {
  return typeof value === 'string' ? value : value === undefined ? '' : JSON.stringify(value);
}
