import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { COST_COLUMN } from '../../../common/database/cost-column.js';

/** One model call. Without `responseTimestamp`, it is running or was cut off by a crash. */
@Entity({ name: 'usage_logs', synchronize: false })
export class UsageLogEntity {
  @PrimaryGeneratedColumn('uuid')
  id: string;

  @Column({ name: 'user_id', type: 'uuid' })
  userId: string;

  @Column({ name: 'chat_id', type: 'uuid', nullable: true })
  chatId: string | null;

  @Column({ name: 'agent_type', type: 'varchar', length: 16 })
  agentType: 'routing' | 'chat' | 'artifact' | 'git_mcp';

  @Column({ name: 'model_used', type: 'varchar', length: 200 })
  modelUsed: string;

  @Column({ type: 'varchar', length: 64 })
  provider: string;

  @Column({ name: 'input_tokens', type: 'integer', default: 0 })
  inputTokens: number;

  @Column({ name: 'output_tokens', type: 'integer', default: 0 })
  outputTokens: number;

  @Column({ name: 'total_tokens', type: 'integer', default: 0 })
  totalTokens: number;

  /** USD */
  @Column({
    name: 'input_cost',
    type: 'numeric',
    precision: 10,
    scale: 6,
    default: 0,
    transformer: COST_COLUMN,
  })
  inputCost: number;

  /** USD */
  @Column({
    name: 'output_cost',
    type: 'numeric',
    precision: 10,
    scale: 6,
    default: 0,
    transformer: COST_COLUMN,
  })
  outputCost: number;

  /** USD */
  @Column({
    name: 'total_cost',
    type: 'numeric',
    precision: 10,
    scale: 6,
    default: 0,
    transformer: COST_COLUMN,
  })
  totalCost: number;

  @Column({ name: 'request_timestamp', type: 'timestamptz', precision: 3, default: () => 'now()' })
  requestTimestamp: Date;

  @Column({ name: 'response_timestamp', type: 'timestamptz', precision: 3, nullable: true })
  responseTimestamp: Date | null;

  @Column({ name: 'duration_ms', type: 'integer', nullable: true })
  durationMs: number | null;

  @Column({ type: 'jsonb', nullable: true })
  metadata: Record<string, unknown> | null;
}
