import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** Requests of one user to one agent in one window. */
@Entity({ name: 'rate_limit_tracking', synchronize: false })
export class RateLimitTrackingEntity {
  @PrimaryGeneratedColumn('uuid')
  id: string;

  @Column({ name: 'user_id', type: 'uuid' })
  userId: string;

  @Column({ name: 'agent_type', type: 'varchar', length: 16 })
  agentType: 'routing' | 'chat' | 'artifact' | 'git_mcp';

  @Column({ name: 'period_start', type: 'timestamptz', precision: 3 })
  periodStart: Date;

  @Column({ name: 'period_end', type: 'timestamptz', precision: 3 })
  periodEnd: Date;

  @Column({ name: 'request_count', type: 'integer', default: 0 })
  requestCount: number;

  @Column({ name: 'limit_type', type: 'varchar', length: 16 })
  limitType: 'hourly' | 'daily';

  /** The limit at the time of the latest request. */
  @Column({ name: 'limit_value', type: 'integer' })
  limitValue: number;

  @Column({ name: 'created_at', type: 'timestamptz', precision: 3, default: () => 'now()' })
  createdAt: Date;
}
