import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** Marks an answer that is being generated. */
@Entity({ name: 'Stream', synchronize: false })
export class StreamEntity {
  @PrimaryGeneratedColumn('uuid')
  id: string;

  @Column({ type: 'uuid' })
  chatId: string;

  @Column({ type: 'timestamptz', precision: 3, default: () => 'now()' })
  createdAt: Date;

  /** The answer message. */
  @Column({ type: 'uuid', nullable: true })
  messageId: string | null;

  /** The process that generates it. */
  @Column({ type: 'integer', nullable: true })
  instanceId: number | null;

  /** Another instance was asked to stop it. */
  @Column({ default: false })
  isStopping: boolean;
}
