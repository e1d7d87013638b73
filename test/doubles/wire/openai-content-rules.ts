import type { Body, ErrorAnswer } from './dialect.js';
import { dataUrlOf, hasHalfPair, mediaOf } from './media.js';
import { openaiError } from './openai-errors.js';
import { ENCRYPTED_CONTENT } from './signatures.js';

const MAX_IMAGES = 500;
const MAX_REQUEST = 50 * 1024 ** 2;
const IMAGE_TYPES = ['image/jpeg', 'image/png', 'image/gif', 'image/webp'];
const NOT_JSON =
  "We could not parse the JSON body of your request. (HINT: This likely means you aren't using your HTTP library correctly. The OpenAI API expects a JSON payload, but what was sent was not valid JSON. If you have trouble figuring out how to fix this, please contact us through our help center at help.openai.com.)";

/** What both of OpenAI's interfaces refuse in a request as a whole. */
export function openaiBodyProblem(body: Body): ErrorAnswer | undefined {
  if (hasHalfPair(body)) return openaiError(400, NOT_JSON);
  return JSON.stringify(body).length > MAX_REQUEST
    ? openaiError(413, 'Maximum content size limit (52428800) exceeded', { code: 'payload_too_large' })
    : undefined;
}

/** What the Responses API refuses in the items of a conversation. */
export function responsesContentProblem(items: readonly Body[]): ErrorAnswer | undefined {
  let images = 0;
  for (const [index, item] of items.entries()) {
    const problem = itemProblem(item, items[index + 1], `input[${index}]`);
    if (problem) return problem;
    for (const [position, part] of partsOf(item).entries()) {
      const at = `input[${index}].content[${position}]`;
      if (part['type'] === 'input_image') images++;
      const refused =
        part['type'] === 'input_image'
          ? imageProblem(part['image_url'], `${at}.image_url`)
          : part['type'] === 'input_file'
            ? fileProblem(part['file_data'], `${at}.file_data`)
            : undefined;
      if (refused) return refused;
    }
  }
  return images > MAX_IMAGES
    ? openaiError(400, `Too many images in request. Max is ${MAX_IMAGES}.`, {
        param: 'input',
        code: 'too_many_images',
      })
    : undefined;
}

/** What Chat Completions refuse in the messages of a conversation. */
export function chatContentProblem(messages: readonly Body[]): ErrorAnswer | undefined {
  for (const [index, message] of messages.entries()) {
    for (const [position, { id, function: called }] of ((message['tool_calls'] ?? []) as Body[]).entries()) {
      const at = `messages[${index}].tool_calls[${position}]`;
      const problem = tooLong(id, 40, `${at}.id`) ?? nameProblem(called.name, 64, `${at}.function.name`);
      if (problem) return problem;
    }
    for (const [position, part] of partsOf(message).entries()) {
      const at = `messages[${index}].content[${position}]`;
      const problem =
        part['type'] === 'image_url'
          ? imageProblem(part['image_url'].url, `${at}.image_url`)
          : part['type'] === 'file'
            ? fileProblem(part['file'].file_data, `${at}.file.file_data`)
            : undefined;
      if (problem) return problem;
    }
  }
  return undefined;
}

function itemProblem(item: Body, next: Body | undefined, at: string): ErrorAnswer | undefined {
  const { type, id } = item;
  if (type === 'function_call')
    return tooLong(item['call_id'], 64, `${at}.call_id`) ?? nameProblem(item['name'], 128, `${at}.name`);
  if (type === 'function_call_output') return tooLong(item['call_id'], 64, `${at}.call_id`);
  if (type !== 'reasoning') return undefined;
  if (!item['encrypted_content']) {
    return openaiError(
      404,
      `Item with id '${id}' not found. Items are not persisted when \`store\` is set to false. Try again with \`store\` set to true, or remove this item from your input.`,
      { param: 'input' },
    );
  }
  if (item['encrypted_content'] !== ENCRYPTED_CONTENT) {
    return openaiError(
      400,
      `The encrypted content for item ${id} could not be verified. Reason: Encrypted content could not be decrypted or parsed.`,
      { code: 'invalid_encrypted_content' },
    );
  }
  const isFollowed = /_call$/.test(String(next?.['type'])) || next?.['role'] === 'assistant';
  return isFollowed
    ? undefined
    : openaiError(400, `Item '${id}' of type 'reasoning' was provided without its required following item.`, {
        param: 'input',
      });
}

function imageProblem(url: unknown, at: string): ErrorAnswer | undefined {
  const expected = `Invalid '${at}'. Expected a base64-encoded data URL with an image MIME type (e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU='), but got`;
  const { type, data } = dataUrlOf(url) ?? {};
  const media = mediaOf(data);
  if (!media) return refused(`${expected} an invalid base64-encoded value.`, at);
  if (!IMAGE_TYPES.includes(String(type))) return refused(`${expected} unsupported MIME type '${type}'.`, at);
  return media.type !== undefined && IMAGE_TYPES.includes(media.type) && !media.isBroken
    ? undefined
    : openaiError(
        400,
        `The image data you provided does not represent a valid image. Please check your input and try again with one of the following image formats: ${JSON.stringify(IMAGE_TYPES).replaceAll('"', "'")}.`,
        { code: 'invalid_image_format' },
      );
}

function fileProblem(url: unknown, at: string): ErrorAnswer | undefined {
  const expected = `Invalid '${at}'. Expected a base64-encoded data URL with an application/pdf MIME type, but got`;
  const { type, data } = dataUrlOf(url) ?? {};
  if (type !== 'application/pdf') return refused(`${expected} unsupported MIME type '${type}'.`, at);
  const media = mediaOf(data);
  return media?.type === 'application/pdf' && !media.isBroken
    ? undefined
    : refused(`${expected} an invalid value.`, at);
}

function nameProblem(name: unknown, longest: number, at: string): ErrorAnswer | undefined {
  if (!/^[a-zA-Z0-9_-]+$/.test(String(name)))
    return refused(
      `Invalid '${at}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'.`,
      at,
    );
  return tooLong(name, longest, at);
}

function tooLong(text: unknown, longest: number, at: string): ErrorAnswer | undefined {
  const { length } = String(text);
  return length <= longest
    ? undefined
    : openaiError(
        400,
        `Invalid '${at}': string too long. Expected a string with maximum length ${longest}, but got a string with length ${length} instead.`,
        { param: at, code: 'string_above_max_length' },
      );
}

function refused(message: string, param: string): ErrorAnswer {
  return openaiError(400, message, { param, code: 'invalid_value' });
}

function partsOf({ content }: Body): Body[] {
  return Array.isArray(content) ? (content as Body[]) : [];
}
