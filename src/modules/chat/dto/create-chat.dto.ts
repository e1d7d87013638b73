import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn, IsString } from 'class-validator';
import { VISIBILITIES, type Visibility } from './chat.dto.js';
import { IfSent, IsTitle, MAX_TITLE_LENGTH } from './title.decorator.js';

export class CreateChatDto {
  @ApiPropertyOptional({
    minLength: 1,
    maxLength: 128,
    example: 'n4fT2bXq0aLk9sQe',
    description: 'A UUID, or an id of your choice. If omitted, the server creates one.',
  })
  @IfSent()
  @IsString()
  id?: string;

  @ApiPropertyOptional({
    minLength: 1,
    maxLength: MAX_TITLE_LENGTH,
    default: 'New chat',
    example: 'Planning a garden',
  })
  @IfSent()
  @IsTitle()
  title?: string;

  @ApiPropertyOptional({ enum: VISIBILITIES, default: 'private' })
  @IfSent()
  @IsIn(VISIBILITIES)
  visibility?: Visibility;
}
