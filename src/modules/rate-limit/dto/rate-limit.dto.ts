import { ApiProperty } from '@nestjs/swagger';
import { ANSWERING_AGENTS, type AgentType } from '../../admin-config/config-schemas.js';

const LIMIT_TYPES = ['hourly', 'daily'] as const;

export class RateLimitDto {
  @ApiProperty({ enum: ANSWERING_AGENTS, example: 'chat' })
  agentType: AgentType;

  @ApiProperty({
    enum: LIMIT_TYPES,
    example: 'hourly',
    description: 'The window that requests are counted in.',
  })
  limitType: (typeof LIMIT_TYPES)[number];

  @ApiProperty({
    type: 'integer',
    example: 200,
    description:
      'The number of requests allowed in one window, as currently configured. 0 refuses all requests.',
  })
  limit: number;

  @ApiProperty({ type: 'integer', example: 12, description: 'The number of requests in this window so far.' })
  used: number;

  @ApiProperty({
    type: 'integer',
    example: 188,
    description: 'The number of requests left. Never below zero.',
  })
  remaining: number;

  @ApiProperty({
    format: 'date-time',
    example: '2026-11-23T09:00:00.000Z',
    description: 'When the window ends and the count restarts.',
  })
  resetsAt: string;
}

export class RateLimitListDto {
  @ApiProperty({ type: [RateLimitDto], description: 'Sorted by agent, the hour before the day.' })
  items: RateLimitDto[];

  @ApiProperty({
    type: String,
    nullable: true,
    example: null,
    description: 'Always null, because there is one page.',
  })
  nextCursor: string | null;
}
