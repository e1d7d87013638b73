import { ApiProperty } from '@nestjs/swagger';

export const VISIBILITIES = ['private', 'public'] as const;
export type Visibility = (typeof VISIBILITIES)[number];

const OWNER_ONLY = 'Null for readers who are not the owner.';

export class ChatDto {
  @ApiProperty({ format: 'uuid', example: '5c1a4f7e-2d0b-4f7f-9a3e-0e7a6a3f1c22' })
  id: string;

  @ApiProperty({
    format: 'uuid',
    example: '9b2f1d0c-7a55-4c1e-8f42-3d1c5b7a9e10',
    description: 'The id of the owner.',
  })
  userId: string;

  @ApiProperty({ example: 'Planning a garden' })
  title: string;

  @ApiProperty({ enum: VISIBILITIES, example: 'private' })
  visibility: Visibility;

  @ApiProperty({ format: 'date-time', example: '2026-11-23T08:15:30.123Z' })
  createdAt: string;

  @ApiProperty({ format: 'date-time', example: '2026-11-23T08:16:02.004Z' })
  updatedAt: string;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    example: { inputTokens: 812, outputTokens: 240, totalTokens: 1052 },
    description: `The stored usage of the last answer. Null before the first answer. ${OWNER_ONLY}`,
  })
  lastContext: Record<string, unknown> | null;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    example: 1520,
    description: `The sum of all model calls for this chat. ${OWNER_ONLY}`,
  })
  totalInputTokens: number | null;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    example: 433,
    description: `The sum of all model calls for this chat. ${OWNER_ONLY}`,
  })
  totalOutputTokens: number | null;

  @ApiProperty({
    type: Number,
    nullable: true,
    example: 0.00154,
    description: `USD, with six decimals. ${OWNER_ONLY}`,
  })
  totalCost: number | null;

  @ApiProperty({ example: true, description: "False for another user's public chat." })
  isOwner: boolean;

  @ApiProperty({
    example: false,
    description: 'Whether an answer is being generated now. Always false for readers who are not the owner.',
  })
  isStreaming: boolean;
}

/** What a client needs to show how full the context of the model is. */
export class ChatContextDto {
  @ApiProperty({
    type: 'integer',
    example: 812,
    description:
      'The tokens of the last prompt, as the provider reported them. After a summary was written, an estimate of the next ' +
      'prompt until the next answer.',
  })
  inputTokens: number;

  @ApiProperty({
    type: 'integer',
    nullable: true,
    example: 1048576,
    description: "The context window of the last answer's model in tokens. Null if it is not known.",
  })
  contextWindow: number | null;

  @ApiProperty({
    type: String,
    format: 'uuid',
    nullable: true,
    example: '0f0c6f5e-8d50-4e4c-9d0b-3b1f1f0c2a11',
    description:
      'The message up to which models get a summary instead of the messages. The messages stay as they are. Null without a ' +
      'summary.',
  })
  summarizedThrough: string | null;
}

/** A chat with the size of its conversation. */
export class ChatWithContextDto extends ChatDto {
  @ApiProperty({
    type: ChatContextDto,
    nullable: true,
    example: { inputTokens: 812, contextWindow: 1048576, summarizedThrough: null },
    description: `The size of the conversation, for example for a "context used" bar. Null before the first answer. ${OWNER_ONLY}`,
  })
  context: ChatContextDto | null;
}

export class ChatPageDto {
  @ApiProperty({ type: [ChatDto] })
  items: ChatDto[];

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'MjAyNi0xMS0yM1QwODoxNTozMC4xMjNafDVjMWE0Zjdl',
    description: 'The `cursor` of the next page. Null on the last page.',
  })
  nextCursor: string | null;
}

export class DeletedDto {
  @ApiProperty({ type: 'integer', example: 3, description: 'The number of deleted items.' })
  deleted: number;
}
