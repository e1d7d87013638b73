import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import { COST_COLUMN } from '../../../common/database/cost-column.js';

/** A conversation. Its totals are the sums of all its model calls. */
@Entity({ name: 'chat', synchronize: false })
export class ChatEntity {
  @PrimaryGeneratedColumn('uuid')
  id: string;

  @Column({ name: 'user_id', type: 'uuid' })
  userId: string;

  @Column({ type: 'text', default: 'New chat' })
  title: string;

  @Column({ type: 'timestamptz', precision: 3, default: () => 'now()' })
  createdAt: Date;

  @Column({ type: 'varchar', length: 16, default: 'private' })
  visibility: 'public' | 'private';

  /** Usage of the latest turn. */
  @Column({ type: 'jsonb', nullable: true })
  lastContext: Record<string, unknown> | null;

  @Column({ name: 'total_input_tokens', type: 'integer', default: 0 })
  totalInputTokens: number;

  @Column({ name: 'total_output_tokens', type: 'integer', default: 0 })
  totalOutputTokens: number;

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

  /** A trigger sets it on every change. */
  @Column({ name: 'updated_at', type: 'timestamptz', precision: 3, default: () => 'now()' })
  updatedAt: Date;
}
