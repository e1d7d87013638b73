import { applyDecorators } from '@nestjs/common';
import {
  ApiBody,
  ApiExtraModels,
  ApiProperty,
  ApiPropertyOptional,
  ApiResponse,
  getSchemaPath,
} from '@nestjs/swagger';
import { CHUNK_SCHEMA } from '../contract/stream-schemas.js';

/** The parts of the AI SDK's UIMessage that users write. */
export class UserMessageDto {
  @ApiProperty({
    minLength: 1,
    maxLength: 128,
    example: '0f0c6f5e-8d50-4e4c-9d0b-3b1f1f0c2a11',
    description: 'A UUID, or an id of your choice.',
  })
  id: string;

  @ApiProperty({ enum: ['user'] })
  role: 'user';

  @ApiProperty({
    type: 'array',
    minItems: 1,
    items: {
      oneOf: [
        {
          type: 'object',
          required: ['type', 'text'],
          properties: { type: { type: 'string', enum: ['text'] }, text: { type: 'string' } },
        },
        {
          type: 'object',
          required: ['type', 'mediaType', 'url'],
          properties: {
            type: { type: 'string', enum: ['file'] },
            mediaType: {
              type: 'string',
              example: 'image/png',
              description:
                'Every model accepts text of any kind, including JSON, CSV, XML, YAML and source code. Other types depend on the ' +
                'model. If it does not accept the type, the response is 400, and names the part and the accepted types.',
            },
            filename: { type: 'string' },
            url: {
              type: 'string',
              description:
                'A data URL, the `path` of a file that you have uploaded (`POST /api/files`), or an address that Supabase Storage or this ' +
                'API has given for it. Any other URL is refused. Where the server has storage, a large data URL is moved there: the ' +
                'stored message then has the path of the file.',
              example: 'data:image/png;base64,iVBORw0KGgo=',
            },
          },
        },
      ],
    },
    example: [{ type: 'text', text: 'Hello!' }],
  })
  parts: object[];
}

class SendOptionsDto {
  @ApiProperty({
    minLength: 1,
    maxLength: 128,
    example: '5b0a0c1e-4c2f-4b5e-8d2e-0f6a3b9c7d21',
    description: 'The id of the chat: a UUID, or an id of your choice.',
  })
  id: string;

  @ApiPropertyOptional({
    example: 'google/gemini-3.8-flash',
    description:
      'The id of a model from GET /api/models. Without it, the default model answers or, if that fails before its first ' +
      'token, one of the configured `fallbackModels`. A model that you name is not replaced, unless the configuration says so ' +
      '(`fallbackForChosen`).',
  })
  model?: string;

  @ApiPropertyOptional({ enum: ['auto', 'chat', 'artifact', 'git_mcp'], default: 'auto' })
  agent?: string;

  @ApiPropertyOptional({
    enum: ['public', 'private'],
    default: 'private',
    description: 'The visibility of a new chat.',
  })
  visibility?: string;

  @ApiPropertyOptional({
    example: true,
    description:
      "Whether the model thinks before it answers. The default is the agent's configuration. A request to think is refused " +
      'if the model cannot (`capabilities.reasoning` of GET /api/models). A model that always thinks does so as little as ' +
      'possible if this is false.',
  })
  thinking?: boolean;

  @ApiPropertyOptional({
    default: false,
    description:
      'Stops another answer that is running in the chat, and answers this message. What had arrived is kept with the status ' +
      '`stopped`. If nobody reads the running answer, this happens without the field, too. Sending the message of the running ' +
      'answer again never stops it.',
  })
  interrupt?: boolean;

  @ApiPropertyOptional({ format: 'uuid', description: 'The document that is open next to the chat.' })
  documentId?: string;

  @ApiPropertyOptional({
    format: 'uuid',
    description: 'The connected repository that the message is about. The agent `git_mcp` needs one.',
  })
  repositoryId?: string;
}

/** The compact form. */
export class SendMessageDto extends SendOptionsDto {
  @ApiProperty({ type: UserMessageDto })
  message: UserMessageDto;
}

/** The default format of `useChat`. The server uses its own history: only the last user message is read. */
export class UseChatDto extends SendOptionsDto {
  @ApiProperty({ type: [UserMessageDto] })
  messages: UserMessageDto[];

  @ApiProperty({ enum: ['submit-message', 'regenerate-message'] })
  trigger: string;

  @ApiPropertyOptional({
    description: 'The answer to regenerate (default: the last one), or the message that is edited.',
  })
  messageId?: string;
}

export const ApiSendMessageBody = () =>
  applyDecorators(
    ApiExtraModels(SendMessageDto, UseChatDto),
    ApiBody({
      required: true,
      schema: { oneOf: [{ $ref: getSchemaPath(SendMessageDto) }, { $ref: getSchemaPath(UseChatDto) }] },
      examples: {
        compact: {
          value: {
            id: '5b0a0c1e-4c2f-4b5e-8d2e-0f6a3b9c7d21',
            message: {
              id: '0f0c6f5e-8d50-4e4c-9d0b-3b1f1f0c2a11',
              role: 'user',
              parts: [{ type: 'text', text: 'Hello!' }],
            },
          },
        },
        useChat: {
          value: {
            id: 'Zr7aVb2kQm5TtXyE',
            trigger: 'submit-message',
            messages: [{ id: 'f2Jk9sLqPz0w', role: 'user', parts: [{ type: 'text', text: 'Hello!' }] }],
          },
        },
      },
    }),
  );

const STREAM_EXAMPLE = `data: {"type":"start","messageId":"c6e0…","messageMetadata":{"createdAt":"2026-11-23T08:15:31.456Z","model":"google/gemini-2.5-flash"}}

data: {"type":"data-agent","data":{"agentType":"chat","reason":"The chat agent answers messages."}}

data: {"type":"text-start","id":"0"}

data: {"type":"text-delta","id":"0","delta":"Hello!"}

data: {"type":"text-end","id":"0"}

data: {"type":"data-chat-title","data":{"title":"A greeting"},"transient":true}

data: {"type":"data-context","data":{"inputTokens":9,"contextWindow":1048576,"summarizedThrough":null},"transient":true}

data: {"type":"finish","finishReason":"stop","messageMetadata":{"agentType":"chat","model":"google/gemini-3.8-flash","usage":{"inputTokens":9,"outputTokens":2,"totalTokens":11,"cachedInputTokens":0,"reasoningTokens":0},"cost":0.000008,"finishReason":"stop","status":"complete","createdAt":"2026-11-23T08:15:31.456Z"}}

data: [DONE]

`;

const header = (description: string) => ({ description, schema: { type: 'integer' as const } });

/** For the window that is closest to its limit. Sent with every agent answer and with refusals. */
export const RATE_LIMIT_HEADERS = {
  'RateLimit-Limit': header('The number of requests that the window allows.'),
  'RateLimit-Remaining': header('The number of requests left.'),
  'RateLimit-Reset': header('Seconds until the window ends.'),
};

/** @param admitted whether the request counts toward the limits of an agent */
export const ApiAnswerStream = ({ admitted = false } = {}) =>
  ApiResponse({
    status: 200,
    description:
      'Server-sent events in the AI SDK UI message stream protocol v1. Each `data:` frame has one JSON chunk; the ' +
      'schema `ChatStreamChunk` describes them all. The last frame is `data: [DONE]`. After 15 s without data, a comment is sent as a ping. `start` has the stored `messageId`. If another ' +
      'model answers in place of the one that `start` names, a `message-metadata` chunk has its `model`, before the content. `finish` ' +
      'has the metadata of the stored answer with its figures and its `finishReason`: `stop`, `length` (cut off at a token ' +
      'limit), `content-filter` (ended by the provider) or `tool-calls`. An error after the first byte is an `error` chunk with ' +
      'a user-readable text, and a stopped answer ends with an `abort` chunk. Before either, a `message-metadata` chunk has ' +
      'the same metadata. `data-context` comes before the end: `{inputTokens, contextWindow, summarizedThrough}`, the tokens of ' +
      "the last prompt, the model's context window (null if unknown), and the message up to which a summary took the place of " +
      'the messages (null without one).',
    headers: {
      'x-vercel-ai-ui-message-stream': { description: 'Always `v1`.', schema: { type: 'string' } },
      'x-request-id': { description: 'The id of this request.', schema: { type: 'string' } },
      ...(admitted ? RATE_LIMIT_HEADERS : {}),
    },
    content: {
      'text/event-stream': {
        schema: { type: 'string' },
        // The `itemSchema` of OpenAPI 3.2.
        ...{ 'x-itemSchema': { $ref: `#/components/schemas/${CHUNK_SCHEMA}` } },
        example: STREAM_EXAMPLE,
      },
    },
  });
