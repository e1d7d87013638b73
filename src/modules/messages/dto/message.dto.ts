import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { FINISH_REASONS, type FinishReason } from '../../models/ending.js';

export const MESSAGE_STATUSES = ['complete', 'streaming', 'stopped', 'interrupted', 'failed'] as const;
export type MessageStatus = (typeof MESSAGE_STATUSES)[number];

const OWNER_ONLY = 'Null for readers of a public chat who are not its owner.';

export class MessageDto {
  @ApiProperty({ format: 'uuid', example: '0f6c1c9e-96b4-4c0a-b7a5-8a9d3c2e4f51' })
  id: string;

  @ApiProperty({ format: 'uuid', example: '5c1a4f7e-2d0b-4f7f-9a3e-0e7a6a3f1c22' })
  chatId: string;

  @ApiProperty({ example: 'assistant', description: '`user` or `assistant`.' })
  role: string;

  @ApiProperty({
    type: 'array',
    items: { type: 'object', additionalProperties: true },
    example: [{ type: 'text', text: 'Sow tomatoes in March.', state: 'done' }],
    description:
      'The parts of an AI SDK `UIMessage`. The `url` of a `file` part is a data URL or, for a file in storage, a signed address. ' +
      '`providerMetadata.switchboard.refusedBy` of a file lists the vendors that could not process it: their models get a text ' +
      'in its place. `data-refusedFiles` of an answer names the files that it had to do without.',
  })
  parts: unknown[];

  @ApiProperty({ type: 'array', items: { type: 'object', additionalProperties: true }, example: [] })
  attachments: unknown[];

  @ApiProperty({ format: 'date-time', example: '2026-11-23T08:15:31.456Z' })
  createdAt: string;

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'gemini-3.8-flash',
    description: 'Null if no model wrote the message.',
  })
  modelUsed: string | null;

  @ApiProperty({ type: 'integer', nullable: true, example: 812, description: OWNER_ONLY })
  inputTokens: number | null;

  @ApiProperty({ type: 'integer', nullable: true, example: 240, description: OWNER_ONLY })
  outputTokens: number | null;

  @ApiProperty({
    type: Number,
    nullable: true,
    example: 0.000844,
    description: `USD, with six decimals. ${OWNER_ONLY}`,
  })
  cost: number | null;

  @ApiProperty({
    enum: MESSAGE_STATUSES,
    example: 'complete',
    description: '`streaming` while the message is being generated.',
  })
  status: MessageStatus;

  @ApiProperty({
    enum: FINISH_REASONS,
    nullable: true,
    example: 'stop',
    description:
      'Why the answer ended. `stop`: the answer is complete. `length`: it was cut off at the token limit. `content-filter`: the ' +
      'provider refused or ended it. `tool-calls`: it ended after a tool call, at the step limit or waiting for an approval. ' +
      '`error`: it failed. Null for user messages and for answers that were stopped or interrupted.',
  })
  finishReason: FinishReason | null;

  @ApiPropertyOptional({
    type: 'object',
    additionalProperties: true,
    example: {
      agentType: 'chat',
      model: 'google/gemini-3.8-flash',
      cost: 0.000844,
      finishReason: 'stop',
      status: 'complete',
      createdAt: '2026-11-23T08:15:31.456Z',
    },
    description:
      'The metadata of the `UIMessage`, as sent with `finish` (or with `message-metadata` before an `error` or `abort`). ' +
      'Messages of users, and answers that are being generated, have none. `fallbackFor` names the model that would have answered, if `model` is one of its `fallbackModels`. ' +
      'Readers of a public chat who are not its owner get it without `usage` and `cost`.',
  })
  metadata?: Record<string, unknown>;
}

export class MessagePageDto {
  @ApiProperty({ type: [MessageDto] })
  items: MessageDto[];

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'MjAyNi0xMS0yM1QwODoxNTozMS40NTZafDBmNmMxYzll',
    description: 'The `cursor` of the next page. Null on the last page.',
  })
  nextCursor: string | null;
}

export class DeletedMessagesDto {
  @ApiProperty({ type: 'integer', example: 4, description: 'The number of deleted items.' })
  deleted: number;
}
