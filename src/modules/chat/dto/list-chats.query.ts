import { ApiPropertyOptional } from '@nestjs/swagger';
import { Transform } from 'class-transformer';
import { IsIn, IsOptional, IsString, MaxLength } from 'class-validator';
import { PageQuery } from '../../../common/http/paging.js';
import { VISIBILITIES, type Visibility } from './chat.dto.js';

const MAX_SEARCH_LENGTH = 255;

export class ListChatsQuery extends PageQuery {
  @ApiPropertyOptional({
    maxLength: MAX_SEARCH_LENGTH,
    example: 'tomatoes',
    description: 'Only chats with this text in the title or in a message. Ignores case and accents.',
  })
  @IsOptional()
  @Transform(({ value }: { value: unknown }) => (typeof value === 'string' ? value.trim() : value))
  @IsString()
  @MaxLength(MAX_SEARCH_LENGTH)
  q?: string;

  @ApiPropertyOptional({
    enum: VISIBILITIES,
    example: 'public',
    description: 'Only chats with this visibility.',
  })
  @IsOptional()
  @IsIn(VISIBILITIES)
  visibility?: Visibility;
}
