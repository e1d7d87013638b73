import { ApiProperty } from '@nestjs/swagger';
import { ANSWERING_AGENTS, type AgentType } from '../../admin-config/config-schemas.js';

const LIMIT_TYPES = ['hourly', 'daily'] as const;

export class RateLimitDto {
  @ApiProperty({ enum: ANSWERING_AGENTS, example: 'chat' })
  agentType: AgentType;

  @ApiProperty({ enum: LIMIT_TYPES, example: 'hourly', description: 'The window that is counted in.' })
  limitType: (typeof LIMIT_TYPES)[number];

  @ApiProperty({
    type: 'integer',
    example: 200,
    description: 'Answers that may be asked for in one window, as it is configured now; 0 refuses all.',
  })
  limit: number;

  @ApiProperty({ type: 'integer', example: 12, description: 'Asked for in this window so far.' })
  used: number;

  @ApiProperty({ type: 'integer', example: 188, description: 'What is left; never below zero.' })
  remaining: number;

  @ApiProperty({
    format: 'date-time',
    example: '2026-11-23T09:00:00.000Z',
    description: 'When the window ends, and counting begins anew.',
  })
  resetsAt: string;
}

export class RateLimitListDto {
  @ApiProperty({ type: [RateLimitDto], description: 'Agent by agent, the hour before the day.' })
  items: RateLimitDto[];

  @ApiProperty({
    type: String,
    nullable: true,
    example: null,
    description: 'Always null: there is one page.',
  })
  nextCursor: string | null;
}
