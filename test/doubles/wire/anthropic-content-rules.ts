import type { Body } from './dialect.js';
import { hasHalfPair, mediaOf } from './media.js';
import { THINKING_SIGNATURE } from './signatures.js';

const MAX_REQUEST = 32 * 1024 ** 2;
const MAX_IMAGE = 5 * 1024 ** 2;
const MAX_IMAGES = 100;
const MANY_IMAGES = 20;
const IMAGE_TYPES = ['image/jpeg', 'image/png', 'image/gif', 'image/webp'];

/** Anthropic's errors for a request that it does not even read. */
export function anthropicSizeProblem(body: Body): string | undefined {
  return JSON.stringify(body).length > MAX_REQUEST ? 'Request exceeds the maximum size' : undefined;
}

/** What Anthropic refuses in the parts of a conversation. */
export function anthropicContentProblem(body: Body): string | undefined {
  if (hasHalfPair(body))
    return 'The request body is not valid JSON: no low surrogate in string: line 1 column 1208 (char 1207)';
  const messages = body['messages'] as Body[];
  if (messages[0]?.['role'] !== 'user') return 'messages: first message must use the "user" role';
  if (blocksOf({ content: body['system'] ?? [] }).some(({ text }) => text === ''))
    return 'system: text content blocks must be non-empty';
  const seen = new Set<string>();
  for (const [index, message] of messages.entries()) {
    const results = new Set<string>();
    for (const [position, block] of blocksOf(message).entries()) {
      const problem =
        blockProblem(block, `messages.${index}.content.${position}`, message['role']) ??
        repeated(
          block,
          'tool_use',
          'id',
          seen,
          `messages.${index}.content.${position}: \`tool_use\` ids must be unique`,
        ) ??
        repeated(
          block,
          'tool_result',
          'tool_use_id',
          results,
          `messages.${index}.content.${position}: each tool_use must have a single result. Found multiple \`tool_result\` blocks with id: ${block['tool_use_id']}`,
        );
      if (problem !== undefined) return problem;
    }
  }
  return imagesProblem(messages) ?? lastProblem(messages.at(-1), String(body['model']));
}

function blockProblem(block: Body, at: string, role: unknown): string | undefined {
  const { type } = block;
  switch (type) {
    case 'text':
      if (block['text'] === '') return 'messages: text content blocks must be non-empty';
      return String(block['text']).trim() === ''
        ? 'messages: text content blocks must contain non-whitespace text'
        : undefined;
    case 'tool_use':
      if (!/^[a-zA-Z0-9_-]+$/.test(block['id']))
        return `${at}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'`;
      if (!/^[a-zA-Z0-9_-]{1,128}$/.test(block['name']))
        return `${at}.tool_use.name: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'`;
      return isObject(block['input'])
        ? undefined
        : `${at}.tool_use.input: Input should be a valid dictionary`;
    case 'thinking':
      return block['signature'] === THINKING_SIGNATURE
        ? undefined
        : `${at}: Invalid \`signature\` in \`thinking\` block`;
    case 'image':
      return role === 'user'
        ? imageProblem(block['source'], at)
        : `${at}: \`image\` blocks are not permitted in assistant messages`;
    case 'document':
      return documentProblem(block['source'], at);
    case 'redacted_thinking':
    case 'tool_result':
      return undefined;
    case 'server_tool_use':
      return undefined;
    default:
      if (String(type).endsWith('_tool_result')) return undefined;
      return `${at}: Input tag '${type}' found using 'type' does not match any of the expected tags`;
  }
}

function imageProblem(source: Body, at: string): string | undefined {
  const { media_type: said, data } = source;
  if (!IMAGE_TYPES.includes(said))
    return `${at}.image.source.base64.media_type: Input should be 'image/jpeg', 'image/png', 'image/gif' or 'image/webp'`;
  const media = mediaOf(data);
  if (!media) return `${at}.image.source.base64: invalid base64 data`;
  if (data.length > MAX_IMAGE)
    return `${at}.image.source.base64: image exceeds 5 MB maximum: ${data.length} bytes > ${MAX_IMAGE} bytes`;
  if (media.type === undefined || media.isBroken) return 'Could not process image';
  if (media.type !== said)
    return `${at}.image.source.base64.data: The image was specified using the ${said} media type, but the image appears to be a ${media.type} image`;
  return (media.longestSide ?? 0) > 8_000
    ? `${at}.image.source.base64.data: At least one of the image dimensions exceed max allowed size: 8000 pixels`
    : undefined;
}

function documentProblem(source: Body, at: string): string | undefined {
  if (source['type'] === 'text') return undefined;
  if (source['media_type'] !== 'application/pdf')
    return `${at}.document.source.base64.media_type: Input should be 'application/pdf'`;
  const media = mediaOf(source['data']);
  if (!media) return `${at}.document.source.base64: invalid base64 data`;
  return media.type === 'application/pdf' && !media.isBroken
    ? undefined
    : `${at}.document.source.base64.data: The PDF specified was not valid.`;
}

function imagesProblem(messages: Body[]): string | undefined {
  const images = messages.flatMap((message, index) =>
    blocksOf(message).flatMap((block, position) =>
      block['type'] === 'image' ? [{ block, at: `messages.${index}.content.${position}` }] : [],
    ),
  );
  if (images.length > MAX_IMAGES)
    return `Too much media: 0 document pages + ${images.length} images > ${MAX_IMAGES}`;
  if (images.length <= MANY_IMAGES) return undefined;
  const large = images.find(({ block }) => (mediaOf(block['source'].data)?.longestSide ?? 0) > 2_000);
  return large
    ? `${large.at}.image.source.base64.data: At least one of the image dimensions exceed max allowed size for many-image requests: 2000 pixels`
    : undefined;
}

/** Since 4.6, models do not continue an assistant message that a client has started. */
function lastProblem(last: Body | undefined, model: string): string | undefined {
  // A paused answer is sent back unchanged.
  const isPaused = last !== undefined && blocksOf(last).some(({ type }) => type === 'server_tool_use');
  if (last?.['role'] !== 'assistant' || isPaused) return undefined;
  if (!/claude-3|-4(?:-[0-5])?(?:-\d{8})?$/.test(model))
    return 'This model does not support assistant message prefill. The conversation must end with a user message.';
  return /\s$/.test(String(blocksOf(last).at(-1)?.['text'] ?? ''))
    ? 'messages: final assistant content cannot end with trailing whitespace'
    : undefined;
}

function repeated(
  block: Body,
  type: string,
  key: string,
  seen: Set<string>,
  said: string,
): string | undefined {
  if (block['type'] !== type) return undefined;
  const id = String(block[key]);
  if (seen.has(id)) return said;
  seen.add(id);
  return undefined;
}

function isObject(value: unknown): boolean {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function blocksOf({ content }: Body): Body[] {
  if (typeof content === 'string') return content === '' ? [] : [{ type: 'text', text: content }];
  return Array.isArray(content) ? (content as Body[]) : [];
}
