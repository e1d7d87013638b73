import type { Body } from './dialect.js';
import { hasHalfPair, mediaOf } from './media.js';

const MAX_REQUEST = 20 * 1024 ** 2;
const TYPES =
  /^(?:image\/(?:png|jpeg|webp|heic|heif)|application\/pdf|text\/(?:plain|html|css|csv|xml|rtf|markdown|javascript)|audio\/(?:wav|mp3|mpeg|aiff|aac|ogg|flac)|video\/(?:mp4|mpeg|mov|quicktime|avi|x-flv|mpg|webm|wmv|3gpp))$/;
const FUNCTION_NAME = /^[A-Za-z_][\w.:-]{0,63}$/;

/** What Gemini refuses in the parts of a conversation. */
export function googleContentProblem(body: Body): string | undefined {
  if (JSON.stringify(body).length > MAX_REQUEST)
    return `Request payload size exceeds the limit: ${MAX_REQUEST} bytes. Please use the File API to upload large files.`;
  if (hasHalfPair(body))
    return "Invalid JSON payload received. Expected a value.\n'contents': [{'parts': ['\\ud8";
  for (const [index, { role, parts }] of (body['contents'] as Body[]).entries()) {
    if (role !== 'user' && role !== 'model') return 'Please use a valid role: user, model.';
    for (const [position, part] of (parts as Body[]).entries()) {
      const problem = partProblem(part, `contents[${index}].parts[${position}]`, role);
      if (problem !== undefined) return problem;
    }
  }
  return (body['contents'] as Body[]).at(-1)?.['role'] === 'user'
    ? undefined
    : 'Please ensure that multiturn requests end with a user role or a function response.';
}

function partProblem(part: Body, at: string, role: string): string | undefined {
  const signature: unknown = part['thoughtSignature'];
  if (signature !== undefined && signature !== 'skip_thought_signature_validator' && !mediaOf(signature))
    return `Invalid value at '${at}.thought_signature' (TYPE_BYTES), Base64 decoding failed for "${JSON.stringify(signature)}"`;
  if ('functionCall' in part) {
    const { name, args } = part['functionCall'] as Body;
    if (typeof args !== 'object' || args === null || Array.isArray(args))
      return `Invalid value at '${at}.function_call.args' (type.googleapis.com/google.protobuf.Struct), ${JSON.stringify(args)}`;
    if (depthOf(args) > 90)
      return `Invalid JSON payload received. Message too deep. Max recursion depth reached for '${at}'`;
    return nameProblem(name, `${at}.function_call`);
  }
  if ('functionResponse' in part) {
    if (depthOf(part['functionResponse'].response) > 90)
      return `Invalid JSON payload received. Message too deep. Max recursion depth reached for '${at}'`;
    return nameProblem(part['functionResponse'].name, `${at}.function_response`);
  }
  if ('inlineData' in part) return dataProblem(part['inlineData'] as Body, at, role);
  // The file API checks whether the file exists.
  if ('fileData' in part)
    return TYPES.test(part['fileData'].mimeType)
      ? undefined
      : `Unsupported MIME type: ${part['fileData'].mimeType}`;
  return part['text'] || signature !== undefined
    ? undefined
    : `* GenerateContentRequest.${at}.data: required oneof field 'data' must have one initialized field\n`;
}

function nameProblem(name: unknown, at: string): string | undefined {
  return FUNCTION_NAME.test(String(name))
    ? undefined
    : `* GenerateContentRequest.${at}.name: [Invalid function name. Must start with a letter or an underscore. Must be alphameric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of 64.]\n`;
}

function dataProblem({ mimeType, data }: Body, at: string, role: string): string | undefined {
  const media = mediaOf(data);
  if (!media)
    return `Invalid value at '${at}.inline_data.data' (TYPE_BYTES), Base64 decoding failed for "${String(data).slice(0, 40)}"`;
  if (!TYPES.test(String(mimeType))) return `Unsupported MIME type: ${mimeType}`;
  const isImage = String(mimeType).startsWith('image/');
  if (
    isImage &&
    role === 'user' &&
    (media.isBroken || (media.type === undefined && !/hei[cf]$/.test(mimeType)))
  )
    return 'Unable to process input image. Please retry or report in https://developers.generativeai.google/guide/troubleshooting';
  return mimeType === 'application/pdf' && (media.isBroken || media.type !== 'application/pdf')
    ? 'The document has no pages.'
    : undefined;
}

function depthOf(value: unknown): number {
  if (typeof value !== 'object' || value === null) return 0;
  return 1 + Math.max(0, ...Object.values(value).map(depthOf));
}
