import { ApiProperty } from '@nestjs/swagger';
import { AGENT_TYPES, type AgentType } from '../../../admin-config/config-schemas.js';

/** A model call. */
export class UsageLogDto {
  @ApiProperty({ format: 'uuid', example: '5c1a4f7e-2d0b-4f7f-9a3e-0e7a6a3f1c22' })
  id: string;

  @ApiProperty({ format: 'uuid', example: '9b2f1d0c-7a55-4c1e-8f42-3d1c5b7a9e10' })
  userId: string;

  @ApiProperty({
    type: String,
    format: 'uuid',
    nullable: true,
    example: '3f0c9d5e-1a2b-4c3d-8e4f-5a6b7c8d9e0f',
    description: 'Null if the call did not belong to a chat, or if the chat was deleted.',
  })
  chatId: string | null;

  @ApiProperty({ enum: AGENT_TYPES, example: 'chat' })
  agentType: AgentType;

  @ApiProperty({ example: 'gemini-3.8-flash' })
  modelUsed: string;

  @ApiProperty({ example: 'google' })
  provider: string;

  @ApiProperty({ type: 'integer', example: 1204 })
  inputTokens: number;

  @ApiProperty({ type: 'integer', example: 286 })
  outputTokens: number;

  @ApiProperty({ type: 'integer', example: 1490 })
  totalTokens: number;

  @ApiProperty({ example: 0.000361, description: 'USD' })
  inputCost: number;

  @ApiProperty({ example: 0.000715, description: 'USD' })
  outputCost: number;

  @ApiProperty({ example: 0.001076, description: 'USD, fees of searches included.' })
  totalCost: number;

  @ApiProperty({ format: 'date-time', example: '2026-03-28T08:15:30.123Z' })
  requestTimestamp: string;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    example: '2026-03-28T08:15:33.456Z',
    description: 'Null while the call is running.',
  })
  responseTimestamp: string | null;

  @ApiProperty({ type: 'integer', nullable: true, example: 3333 })
  durationMs: number | null;

  @ApiProperty({
    example: 'success',
    description: '`success`, `error`, `aborted`, `interrupted` or `running`.',
  })
  status: string;

  @ApiProperty({
    example: false,
    description: 'Whether the call used a key of its user. Budgets do not count such calls.',
  })
  ownKey: boolean;

  @ApiProperty({
    type: 'object',
    additionalProperties: true,
    nullable: true,
    example: {
      purpose: 'answer',
      status: 'success',
      ownKey: false,
      finishReason: 'stop',
      timeToFirstTokenMs: 412,
      answeredBy: 'gemini-3.8-flash',
      priceVersion: 3,
    },
    description:
      'Further details of the call. `answeredBy` is the model that answered, as the vendor names it. `priceVersion` is the ' +
      'version of `model_catalog` that the price comes from. `unpriced` is true if the catalog has no price for the model.',
  })
  metadata: Record<string, unknown> | null;
}

export class UsageLogPageDto {
  @ApiProperty({ type: [UsageLogDto] })
  items: UsageLogDto[];

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'WyItcmVxdWVzdFRpbWVzdGFtcCIsIjIwMjYtMDMtMjhUMDg6MTU6MzAuMTIzWiJd',
    description: 'The `cursor` of the next page. Null on the last page.',
  })
  nextCursor: string | null;
}
