import { ApiProperty } from '@nestjs/swagger';
import { IsBoolean } from 'class-validator';

export class PutVoteDto {
  @ApiProperty({ example: true, description: 'True for an upvote, false for a downvote.' })
  @IsBoolean()
  isUpvoted: boolean;
}

export class VoteDto {
  @ApiProperty({ format: 'uuid', example: '5c1a4f7e-2d0b-4f7f-9a3e-0e7a6a3f1c22' })
  chatId: string;

  @ApiProperty({ format: 'uuid', example: '0f6c1c9e-96b4-4c0a-b7a5-8a9d3c2e4f51' })
  messageId: string;

  @ApiProperty({ example: true })
  isUpvoted: boolean;
}

export class VotePageDto {
  @ApiProperty({ type: [VoteDto] })
  items: VoteDto[];

  @ApiProperty({
    type: String,
    nullable: true,
    example: null,
    description: 'The `cursor` of the next page. Null on the last page.',
  })
  nextCursor: string | null;
}
