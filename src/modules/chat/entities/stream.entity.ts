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

  /** No connection to the process that generates it waits for it or reads it. */
  @Column({ default: false })
  isUnread: boolean;

  /** The other processes on which it is read. */
  @Column({ type: 'integer', array: true, nullable: true })
  followedBy: number[] | null;
}
