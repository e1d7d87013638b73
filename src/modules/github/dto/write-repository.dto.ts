import { ApiProperty, ApiPropertyOptional } from '@nestjs/swagger';
import { IsBoolean, IsString, MaxLength } from 'class-validator';
import { IfSent } from '../../chat/dto/title.decorator.js';

/** Either the URL, or owner and name. */
export class ConnectRepositoryDto {
  @ApiPropertyOptional({
    maxLength: 2000,
    example: 'https://github.com/octo-org/hello-world',
    description: 'The URL of the repository or of any page in it. URLs for `git clone` work too.',
  })
  @IfSent()
  @IsString()
  @MaxLength(2000)
  url?: string;

  @ApiPropertyOptional({
    maxLength: 100,
    example: 'octo-org',
    description: 'Use it together with `name`, instead of `url`.',
  })
  @IfSent()
  @IsString()
  @MaxLength(100)
  owner?: string;

  @ApiPropertyOptional({ maxLength: 100, example: 'hello-world' })
  @IfSent()
  @IsString()
  @MaxLength(100)
  name?: string;
}

export class PatchRepositoryDto {
  @ApiProperty({
    example: false,
    description: 'With `false`, the agent does not work on the repository until it is `true` again.',
  })
  @IsBoolean()
  isActive: boolean;
}
