import { ApiPropertyOptional } from '@nestjs/swagger';
import { IsIn } from 'class-validator';
import { VISIBILITIES, type Visibility } from './chat.dto.js';
import { IfSent, IsTitle, MAX_TITLE_LENGTH } from './title.decorator.js';

/** At least one of the fields is required. */
export class UpdateChatDto {
  @ApiPropertyOptional({ minLength: 1, maxLength: MAX_TITLE_LENGTH, example: 'Planning a vegetable garden' })
  @IfSent()
  @IsTitle()
  title?: string;

  @ApiPropertyOptional({ enum: VISIBILITIES, example: 'public' })
  @IfSent()
  @IsIn(VISIBILITIES)
  visibility?: Visibility;
}
