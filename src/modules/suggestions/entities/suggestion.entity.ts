import { Column, Entity, PrimaryGeneratedColumn } from 'typeorm';

/** A suggested edit of one version of a document. */
@Entity({ name: 'Suggestion', synchronize: false })
export class SuggestionEntity {
  @PrimaryGeneratedColumn('uuid')
  id: string;

  @Column({ type: 'uuid' })
  documentId: string;

  @Column({ type: 'timestamptz', precision: 3 })
  documentCreatedAt: Date;

  @Column({ name: 'user_id', type: 'uuid' })
  userId: string;

  @Column({ type: 'text' })
  originalText: string;

  @Column({ type: 'text' })
  suggestedText: string;

  @Column({ type: 'text', nullable: true })
  description: string | null;

  @Column({ type: 'boolean', default: false })
  isResolved: boolean;

  @Column({ type: 'timestamptz', precision: 3, default: () => 'now()' })
  createdAt: Date;
}
