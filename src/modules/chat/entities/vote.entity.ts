import { Column, Entity, PrimaryColumn } from 'typeorm';

/** A vote on one message, which must be in the same chat. */
@Entity({ name: 'Vote_v2', synchronize: false })
export class VoteEntity {
  @PrimaryColumn({ type: 'uuid' })
  chatId: string;

  @PrimaryColumn({ type: 'uuid' })
  messageId: string;

  @Column({ type: 'boolean' })
  isUpvoted: boolean;
}
