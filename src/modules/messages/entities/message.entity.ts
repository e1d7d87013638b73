import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';
import type { FinishReason } from '../../models/ending.js';
import { COST_COLUMN } from '../../../common/database/cost-column.js';

/** One message of a chat, with the cost of its answer. */
@Entity({ name: 'Message_v2', synchronize: false })
export class MessageEntity {
  @PrimaryGeneratedColumn('uuid')
  id: string;

  @Column({ type: 'uuid' })
  chatId: string;

  @Column({ type: 'varchar', length: 16 })
  role: 'user' | 'assistant' | 'system' | 'tool';

  /** Parts of an AI SDK `UIMessage`. */
  @Column({ type: 'json' })
  parts: unknown[];

  @Column({ type: 'json', default: () => "'[]'" })
  attachments: unknown[];

  @Column({ type: 'timestamptz', precision: 3, default: () => 'now()' })
  createdAt: Date;

  @Column({ name: 'model_used', type: 'varchar', length: 200, nullable: true })
  modelUsed: string | null;

  @Column({ name: 'input_tokens', type: 'integer', default: 0 })
  inputTokens: number;

  @Column({ name: 'output_tokens', type: 'integer', default: 0 })
  outputTokens: number;

  /** USD */
  @Column({ type: 'numeric', precision: 10, scale: 6, default: 0, transformer: COST_COLUMN })
  cost: number;

  @Column({ type: 'varchar', length: 16, default: 'complete' })
  status: 'complete' | 'streaming' | 'stopped' | 'interrupted' | 'failed';

  /** Why the answer ended. Null for user messages and for answers that were stopped or interrupted. */
  @Column({ name: 'finish_reason', type: 'varchar', length: 16, nullable: true })
  finishReason: FinishReason | null;

  /** `messageMetadata` of the AI SDK. */
  @Column({ type: 'jsonb', nullable: true })
  metadata: Record<string, unknown> | null;
}
