import type { OpenAPIObject } from '@nestjs/swagger';
import { z } from 'zod';
import { ANSWERING_AGENTS } from '../../admin-config/config-schemas.js';
import { DOCUMENT_KINDS } from '../../documents/dto/document.dto.js';
import { MESSAGE_STATUSES } from '../../messages/dto/message.dto.js';
import { FINISH_REASONS } from '../../models/ending.js';
import type { ChatChunk, ChatDataParts, ChatMetadata, SuggestedEdit } from './chat-message.js';

/*
 * The schema of each chunk that this server streams. The types for clients are in `chat-message.ts`. The compiler checks
 * that both agree.
 */

const text = z.string();
const tokens = z.int().min(0);
const time = z.iso.datetime();
const json = z.unknown();
const vendorNotes = z
  .record(z.string(), z.record(z.string(), json))
  .describe("A vendor's notes on its own protocol.");
const kind = z.enum(DOCUMENT_KINDS);

const usage = z.strictObject({
  inputTokens: tokens,
  outputTokens: tokens,
  totalTokens: tokens,
  cachedInputTokens: tokens,
  reasoningTokens: tokens,
});

const model = text.describe('`provider/model`.');
const fallbackFor = text
  .optional()
  .describe('The model that would have answered, if `model` is one of its `fallbackModels`.');

const ending = z.strictObject({
  agentType: z.enum(ANSWERING_AGENTS).optional(),
  model: model.optional(),
  fallbackFor,
  usage: usage.optional(),
  cost: z.number().min(0).optional().describe('USD.'),
  error: z.strictObject({ code: text, message: text }).optional(),
  finishReason: z.enum(FINISH_REASONS).optional(),
  status: z.enum(MESSAGE_STATUSES),
  createdAt: time,
}) satisfies z.ZodType<ChatMetadata>;

const suggestion = z.strictObject({
  id: z.guid(),
  documentId: z.guid(),
  documentCreatedAt: time,
  userId: z.guid(),
  originalText: text,
  suggestedText: text,
  description: text.nullable(),
  isResolved: z.boolean(),
  createdAt: time,
}) satisfies z.ZodType<SuggestedEdit>;

interface DataPart<T> {
  data: z.ZodType<T>;
  description: string;
  /** Parts of the message itself. All others are transient and only reach `onData`. */
  isStored?: true;
  /** Whether a later part with the same `id` replaces it. */
  hasId?: true;
}

const DATA_PARTS: { [Name in keyof ChatDataParts]: DataPart<ChatDataParts[Name]> } = {
  agent: {
    data: z.strictObject({ agentType: z.enum(ANSWERING_AGENTS), reason: text }),
    description: 'The agent that answers, and why. Sent right after routing.',
    isStored: true,
  },
  'chat-title': {
    data: z.strictObject({ title: text }),
    description: 'The title of a new chat.',
  },
  context: {
    data: z.strictObject({
      inputTokens: tokens.describe('Of the last prompt.'),
      contextWindow: z.int().nullable().describe('Of the model. Null if it is unknown.'),
      summarizedThrough: z
        .guid()
        .nullable()
        .describe('The message up to which a summary took the place of the messages.'),
    }),
    description: 'How full the context of the model was. Sent before the end.',
  },
  refusedFiles: {
    data: z.array(z.strictObject({ messageId: text, name: text })),
    description:
      'Files of earlier messages that the vendor could not process. The answer continues without them.',
    isStored: true,
  },
  draft: {
    data: z.strictObject({ id: z.guid(), title: text, kind, content: text }),
    description: 'A document that was not finished. It was not stored as a version.',
    isStored: true,
    hasId: true,
  },
  kind: { data: kind, description: 'A document begins: its kind.' },
  id: { data: z.guid(), description: 'The id of the document.' },
  title: { data: text, description: 'The title of the document.' },
  clear: { data: z.null(), description: 'The content of the document so far is void.' },
  textDelta: { data: text, description: 'The next piece of a text.' },
  codeDelta: { data: text, description: 'The whole code so far.' },
  sheetDelta: { data: text, description: 'The whole sheet so far, as CSV.' },
  imageDelta: { data: text, description: 'The whole image, in Base64.' },
  suggestion: { data: suggestion, description: 'A proposed edit of a document.' },
  finish: { data: z.null(), description: 'The document is finished.' },
};

const id = text.describe('Names the part within its step.');
const toolCallId = text;
const providerExecuted = z.boolean().optional().describe('True if the vendor makes the call.');
const dynamic = z.boolean().optional().describe('True for a `dynamic-tool` part.');
const call = {
  toolCallId,
  toolName: text,
  providerExecuted,
  providerMetadata: vendorNotes.optional(),
  toolMetadata: z.record(z.string(), json).optional(),
  dynamic,
  title: text.optional(),
};
const result = {
  toolCallId,
  providerExecuted,
  providerMetadata: vendorNotes.optional(),
  toolMetadata: z.record(z.string(), json).optional(),
  dynamic,
};
const vendorSource = {
  type: z.literal('source'),
  id: text,
  title: text.optional(),
  providerMetadata: vendorNotes.optional(),
};
const citation = z.strictObject({
  source: z.discriminatedUnion('sourceType', [
    z.strictObject({ ...vendorSource, sourceType: z.literal('url'), url: text }),
    z.strictObject({
      ...vendorSource,
      sourceType: z.literal('document'),
      mediaType: text,
      title: text,
      filename: text.optional(),
    }),
  ]),
  startIndex: z.int().min(0).optional(),
  endIndex: z.int().min(0).optional(),
  citedText: text.optional(),
});

type Shape = Record<string, z.ZodType>;
type Schemas = NonNullable<NonNullable<OpenAPIObject['components']>['schemas']>;

const PROTOCOL: Partial<Record<ChatChunk['type'], { fields: Shape; description: string }>> = {
  start: {
    fields: {
      messageId: z.guid(),
      messageMetadata: z.strictObject({ createdAt: time, model: model.optional(), fallbackFor }),
    },
    description: 'The first chunk. `messageId` is the id of the stored answer.',
  },
  'start-step': { fields: {}, description: 'A step begins: one call of the model, with its tool calls.' },
  'finish-step': { fields: {}, description: 'The step is over.' },
  'reset-step': {
    fields: {},
    description: 'The parts of the current step so far are void. Its new parts follow.',
  },
  'text-start': { fields: { id, providerMetadata: vendorNotes.optional() }, description: 'A text begins.' },
  'text-delta': {
    fields: { id, delta: text, providerMetadata: vendorNotes.optional() },
    description: 'The next piece of a text.',
  },
  'text-end': {
    fields: { id, citations: z.array(citation).optional(), providerMetadata: vendorNotes.optional() },
    description: 'A text ends.',
  },
  'reasoning-start': {
    fields: { id, providerMetadata: vendorNotes.optional() },
    description: 'Reasoning of the model begins.',
  },
  'reasoning-delta': {
    fields: { id, delta: text, providerMetadata: vendorNotes.optional() },
    description: 'The next piece of reasoning.',
  },
  'reasoning-end': {
    fields: { id, providerMetadata: vendorNotes.optional() },
    description: 'Reasoning ends.',
  },
  file: {
    fields: { url: text, mediaType: text, providerMetadata: vendorNotes.optional() },
    description: 'A file that the model has made.',
  },
  'reasoning-file': {
    fields: { url: text, mediaType: text, providerMetadata: vendorNotes.optional() },
    description: 'A file that belongs to the reasoning.',
  },
  'source-url': {
    fields: { sourceId: text, url: text, title: text.optional(), providerMetadata: vendorNotes.optional() },
    description: 'A page that the model has used.',
  },
  'source-document': {
    fields: {
      sourceId: text,
      mediaType: text,
      title: text,
      filename: text.optional(),
      providerMetadata: vendorNotes.optional(),
    },
    description: 'A document that the model has used.',
  },
  'tool-input-start': {
    fields: { ...call, inputEncoding: z.enum(['json', 'text']).optional() },
    description: 'The model begins to write a tool call.',
  },
  'tool-input-delta': {
    fields: { toolCallId, inputTextDelta: text },
    description: 'The next piece of its input, as JSON text.',
  },
  'tool-input-available': { fields: { ...call, input: json }, description: 'The tool call is complete.' },
  'tool-input-error': {
    fields: { ...call, input: json, errorText: text },
    description: 'The tool call is invalid, and it is not made.',
  },
  'tool-approval-request': {
    fields: {
      approvalId: text,
      toolCallId,
      reason: text.optional(),
      isAutomatic: z.boolean().optional(),
      signature: text.optional(),
      inputSchemaInput: json.optional(),
    },
    description:
      'The call waits for your approval. Send the answer again with the part in the state `approval-responded` ' +
      '(`addToolApprovalResponse` of `useChat`).',
  },
  'tool-approval-response': {
    fields: { approvalId: text, approved: z.boolean(), reason: text.optional() },
    description: 'The decision on a call, in a replay.',
  },
  'tool-output-available': {
    fields: { ...result, output: json, preliminary: z.boolean().optional() },
    description: 'The result of a call.',
  },
  'tool-output-error': { fields: { ...result, errorText: text }, description: 'The call has failed.' },
  'tool-output-denied': { fields: { toolCallId }, description: 'The call was denied, and it was not made.' },
  'message-metadata': {
    fields: { messageMetadata: z.union([ending, z.strictObject({ model, fallbackFor })]) },
    description:
      'Metadata to be merged: another model answers in place of the first one or, before `error` and `abort`, the figures ' +
      'of the answer.',
  },
  finish: {
    fields: { finishReason: z.enum(FINISH_REASONS), messageMetadata: ending },
    description: 'The answer is complete and stored.',
  },
  abort: {
    fields: { reason: z.enum(['stopped', 'interrupted']) },
    description: 'The answer was stopped, or its server has ended. What had arrived is stored.',
  },
  error: {
    fields: { errorText: text },
    description: 'The answer has failed. The text is for people. What had arrived is stored.',
  },
};

/** The name of the schema of all chunks in the OpenAPI document. */
export const CHUNK_SCHEMA = 'ChatStreamChunk';

/** The schemas of all chunks, for the OpenAPI document: one for each type, and {@link CHUNK_SCHEMA} for all of them. */
export function streamSchemas(): Schemas {
  const chunks: Schemas = {};
  const mapping: Record<string, string> = {};
  const add = (type: string, fields: Shape, description: string) => {
    const name = `${CHUNK_SCHEMA}_${type}`;
    const schema = z.strictObject({ type: z.literal(type), ...fields });
    const { $schema: _dialect, ...documented } = z.toJSONSchema(schema, { io: 'input' });
    chunks[name] = { ...(documented as Schemas[string]), description };
    mapping[type] = `#/components/schemas/${name}`;
  };
  for (const [type, { fields, description }] of Object.entries(PROTOCOL)) add(type, fields, description);
  for (const [name, { data, description, isStored, hasId }] of Object.entries<DataPart<unknown>>(
    DATA_PARTS,
  )) {
    const fields = {
      ...(hasId ? { id: text } : {}),
      data,
      ...(isStored ? {} : { transient: z.literal(true) }),
    };
    add(`data-${name}`, fields, description);
  }
  const all: Schemas[string] = {
    description:
      'One `data:` frame of the stream of an answer. `ChatChunk` in `src/modules/chat/contract/chat-message.ts` is its ' +
      'TypeScript type. Fields and types may be added: ignore those that you do not know.',
    oneOf: Object.values(mapping).map(($ref) => ({ $ref })),
    discriminator: { propertyName: 'type', mapping },
  };
  return { [CHUNK_SCHEMA]: all, ...chunks };
}
