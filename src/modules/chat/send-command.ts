import type { UIMessage } from 'ai';
import { type FieldError, invalidField, validationFailed } from '../../common/errors/app-error.js';
import { toStoredId, toStoredMessageId } from '../../common/http/client-id.js';
import { isDataUrl, isMediaType } from '../agents/file-input.js';
import { checkFields } from './send-fields.js';
import type { ShowRequest, ToolApproval, TurnAction, TurnRequest, UserMessage } from '../turns/turn.types.js';

const AGENTS = ['auto', 'chat', 'artifact', 'git_mcp'] as const;
const VISIBILITIES = ['public', 'private'] as const;
const MAX_PARTS = 200;
const MAX_REASON = 2_000;

type Fields = Record<string, unknown>;

const NO_QUESTION = ['messages', 'must end with a user message, or with an answer of this chat'] as const;
const NOT_OF_USER = ['message.role', 'must be user, or the message must be an answer of this chat'] as const;

/** The namespace for mapping the ids of a chat's messages. */
interface ChatIds {
  namespace: string;
  chatId: string;
}

/**
 * Parses the body of `POST /api/chat` in both of its forms: `{id, message}`, and the default format of `useChat`, `{id,
 * messages, trigger, messageId}`. From `messages`, only the last one of the user or the assistant is read. Fields that clients add for
 * themselves are ignored, but not those that were meant for this server.
 *
 * @param namespace of the user's client ids
 * @throws AppError 400 naming each invalid field
 */
export function parseSendCommand(body: unknown, namespace: string): TurnRequest | ShowRequest {
  if (!isFields(body)) throw invalidField('', 'the body must be a JSON object');
  checkFields(body);
  const chatId = idOf(body['id'], 'id', namespace);
  const action = actionOf(body, { namespace, chatId });
  if (action.type === 'show') {
    const [path, message] = body['message'] === undefined ? NO_QUESTION : NOT_OF_USER;
    const otherwise = invalidField(path, message);
    return { chatId, action, otherwise };
  }
  return {
    chatId,
    action,
    model: optionalText(body['model'], 'model'),
    agent: oneOf(body['agent'], AGENTS, 'agent') ?? 'auto',
    thinking: optionalFlag(body['thinking'], 'thinking'),
    interrupt: optionalFlag(body['interrupt'], 'interrupt'),
    visibility: oneOf(body['visibility'], VISIBILITIES, 'visibility'),
    documentId: optionalId(body['documentId'], 'documentId', namespace),
    repositoryId: optionalId(body['repositoryId'], 'repositoryId', namespace),
  };
}

export function isShowRequest(request: TurnRequest | ShowRequest): request is ShowRequest {
  return request.action.type === 'show';
}

function actionOf(body: Fields, chat: ChatIds): TurnAction | ShowRequest['action'] {
  const trigger = oneOf(body['trigger'], ['submit-message', 'regenerate-message'] as const, 'trigger');
  if (trigger === 'regenerate-message') {
    const messageId = body['messageId'] ?? undefined;
    return {
      type: 'regenerate',
      messageId: messageId === undefined ? undefined : messageIdOf(messageId, 'messageId', chat),
    };
  }
  const [message, path] = findMessage(body);
  if (isFields(message) && message['role'] === 'assistant') return parseAnswer(message, path, chat);
  return { type: 'submit', message: parseMessage(message, path, chat) };
}

/**
 * Clients answer an approval request by sending the assistant's message again, with the user's decision in the tool's
 * part. Only the decision is read from that message. A message without any decision asks for nothing: the `useChat` of the AI
 * SDK sends it with the results of tools, which this server has itself.
 */
function parseAnswer(
  { id, parts }: Fields,
  messagePath: string,
  chat: ChatIds,
): TurnAction | ShowRequest['action'] {
  const sent = Array.isArray(parts) ? (parts as unknown[]) : [];
  const fields = sent.filter(isFields);
  const answer = {
    messageId: messageIdOf(id, `${messagePath}.id`, chat),
    heldSteps: fields.filter(({ type }) => type === 'step-start').length,
    heldCalls: fields.flatMap(({ toolCallId }) => (typeof toolCallId === 'string' ? [toolCallId] : [])),
  };
  const approvals = sent.flatMap((part, index): ToolApproval[] => {
    if (!isFields(part) || part['state'] !== 'approval-responded') return [];
    const { approval } = part;
    const path = `${messagePath}.parts.${index}.approval`;
    if (!isFields(approval)) throw invalidField(path, 'is required');
    const { id, approved, reason } = approval;
    if (typeof id !== 'string') throw invalidField(`${path}.id`, 'must be a string');
    if (typeof approved !== 'boolean') throw invalidField(`${path}.approved`, 'must be true or false');
    return [{ approvalId: id, approved, reason: optionalText(reason, `${path}.reason`, MAX_REASON) }];
  });
  return approvals.length > 0 ? { type: 'approve', ...answer, approvals } : { type: 'show', ...answer };
}

function findMessage(body: Fields): [message: unknown, path: string] {
  if (body['message'] !== undefined) return [body['message'], 'message'];
  const { messages } = body;
  if (messages === undefined) throw invalidField('message', 'is required');
  if (!Array.isArray(messages)) throw invalidField('messages', 'must be an array');
  const index = messages.findLastIndex(
    (message) => isFields(message) && (message['role'] === 'user' || message['role'] === 'assistant'),
  );
  if (index < 0) throw invalidField('messages', 'must contain a user message');
  return [messages[index], `messages.${index}`];
}

function parseMessage(message: unknown, path: string, chat: ChatIds): UserMessage {
  if (!isFields(message)) throw invalidField(path, 'must be a message object');
  if (message['role'] !== 'user') throw invalidField(`${path}.role`, 'must be user');
  const { parts } = message;
  if (!Array.isArray(parts) || parts.length === 0)
    throw invalidField(`${path}.parts`, 'must be a non-empty array');
  if (parts.length > MAX_PARTS) throw invalidField(`${path}.parts`, `must have at most ${MAX_PARTS} parts`);
  const errors = parts.flatMap((part, index) => checkPart(part, `${path}.parts.${index}`));
  if (errors.length > 0) throw validationFailed(errors);
  if (!parts.some(hasContent)) throw invalidField(`${path}.parts`, 'must contain text or a file');
  return { id: messageIdOf(message['id'], `${path}.id`, chat), parts: parts as UIMessage['parts'] };
}

/** Parts that users may send: text, files, and the client's own data parts, which no model sees. */
function checkPart(part: unknown, path: string): FieldError[] {
  if (!isFields(part)) return [{ path, message: 'must be a part object' }];
  const { type } = part;
  if (type === 'text') {
    return typeof part['text'] === 'string' ? [] : [{ path: `${path}.text`, message: 'must be a string' }];
  }
  if (type === 'file') return checkFile(part, path);
  if (typeof type === 'string' && /^data-[\w-]{1,100}$/.test(type)) return [];
  return [{ path: `${path}.type`, message: 'must be text, file or data-*' }];
}

function checkFile({ url, mediaType, filename }: Fields, path: string): FieldError[] {
  const errors: FieldError[] = [];
  if (!isMediaType(mediaType)) {
    errors.push({ path: `${path}.mediaType`, message: 'must be a media type such as image/png' });
  }
  if (typeof url !== 'string' || (url.startsWith('data:') && !isDataUrl(url))) {
    errors.push({ path: `${path}.url`, message: 'must be a data URL, or the path of a file in storage' });
  }
  if (filename !== undefined && (typeof filename !== 'string' || filename.length > 255)) {
    errors.push({ path: `${path}.filename`, message: 'must be a string of at most 255 characters' });
  }
  return errors;
}

function hasContent(part: Fields): boolean {
  return part['type'] === 'file' || (part['type'] === 'text' && String(part['text']).trim() !== '');
}

function idOf(value: unknown, path: string, namespace: string): string {
  return toStoredId(namespace, stringOf(value, path), path);
}

function messageIdOf(value: unknown, path: string, { namespace, chatId }: ChatIds): string {
  return toStoredMessageId(namespace, chatId, stringOf(value, path), path);
}

function stringOf(value: unknown, path: string): string {
  if (typeof value === 'string') return value;
  throw invalidField(path, value === undefined ? 'is required' : 'must be a string');
}

function optionalId(value: unknown, path: string, namespace: string): string | undefined {
  return value === undefined || value === null ? undefined : idOf(value, path, namespace);
}

function optionalText(value: unknown, path: string, maxLength = 200): string | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'string' || value.length === 0 || value.length > maxLength) {
    throw invalidField(path, `must be a string of 1 to ${maxLength} characters`);
  }
  return value;
}

function optionalFlag(value: unknown, path: string): boolean | undefined {
  if (value === undefined || value === null) return undefined;
  if (typeof value !== 'boolean') throw invalidField(path, 'must be true or false');
  return value;
}

function oneOf<T extends string>(value: unknown, allowed: readonly T[], path: string): T | undefined {
  if (value === undefined || value === null) return undefined;
  const found = allowed.find((item) => item === value);
  if (found === undefined) throw invalidField(path, `must be one of ${allowed.join(', ')}`);
  return found;
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
