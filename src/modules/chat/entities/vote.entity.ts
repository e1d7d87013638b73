import { Column, Entity, PrimaryColumn } from 'typeorm';

/** An opinion on one message, which must be of the same chat. */
@Entity({ name: 'Vote_v2', synchronize: false })
export class VoteEntity {
  @PrimaryColumn({ type: 'uuid' })
  chatId: string;

  @PrimaryColumn({ type: 'uuid' })
  messageId: string;

  @Column({ type: 'boolean' })
  isUpvoted: boolean;
}
