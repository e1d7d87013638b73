import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** Marks an answer that is being written at this moment. */
@Entity({ name: 'Stream', synchronize: false })
export class StreamEntity {
  @PrimaryGeneratedColumn('uuid')
  id: string;

  @Column({ type: 'uuid' })
  chatId: string;

  @Column({ type: 'timestamptz', precision: 3, default: () => 'now()' })
  createdAt: Date;

  /** The answer. */
  @Column({ type: 'uuid', nullable: true })
  messageId: string | null;

  /** The process that writes it. */
  @Column({ type: 'integer', nullable: true })
  instanceId: number | null;
}
