import { Column, Entity, PrimaryColumn } from 'typeorm';

/** One version of a document. Versions share the id and differ in `createdAt`. */
@Entity({ name: 'Document', synchronize: false })
export class DocumentEntity {
  @PrimaryColumn({ type: 'uuid', default: () => 'gen_random_uuid()' })
  id: string;

  /** One millisecond later than requested if that version already exists. */
  @PrimaryColumn({ type: 'timestamptz', precision: 3, default: () => 'now()' })
  createdAt: Date;

  @Column({ name: 'user_id', type: 'uuid' })
  userId: string;

  @Column({ type: 'text' })
  title: string;

  @Column({ type: 'text', nullable: true })
  content: string | null;

  @Column({ type: 'varchar', length: 16, default: 'text' })
  kind: 'text' | 'code' | 'image' | 'sheet';
}
