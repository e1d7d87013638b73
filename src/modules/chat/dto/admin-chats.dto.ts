import { ApiProperty, ApiPropertyOptional, OmitType } from '@nestjs/swagger';
import { IsOptional, IsUUID } from 'class-validator';
import { PageQuery } from '../../../common/http/paging.js';
import { ChatDto } from './chat.dto.js';

export class ListAllChatsQuery extends PageQuery {
  @ApiPropertyOptional({
    format: 'uuid',
    example: '9b2f1d0c-7a55-4c1e-8f42-3d1c5b7a9e10',
    description: 'Only chats of this user.',
  })
  @IsOptional()
  @IsUUID('all', { message: 'must be the id of a user' })
  userId?: string;
}

/** A chat without its messages. */
export class ChatMetadataDto extends OmitType(ChatDto, ['lastContext', 'isOwner', 'isStreaming']) {}

export class ChatMetadataPageDto {
  @ApiProperty({ type: [ChatMetadataDto] })
  items: ChatMetadataDto[];

  @ApiProperty({
    type: String,
    nullable: true,
    example: 'MjAyNi0xMS0yM1QwODoxNTozMC4xMjNafDVjMWE0Zjdl',
    description: 'The `cursor` of the next page. Null on the last page.',
  })
  nextCursor: string | null;
}
