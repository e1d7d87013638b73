import { ApiProperty } from '@nestjs/swagger';
import { IsInt, IsString, Max, MaxLength, Min, MinLength } from 'class-validator';

export class CreateFileDto {
  @ApiProperty({
    minLength: 1,
    maxLength: 255,
    example: 'Grüße aus Köln.pdf',
    description: 'Any name. The path contains it in plain letters.',
  })
  @IsString()
  @MinLength(1)
  @MaxLength(255)
  filename: string;

  @ApiProperty({
    maxLength: 200,
    example: 'application/pdf',
    description: 'One of the types in `app_settings.files.types`. Upload the file with this type.',
  })
  @IsString()
  @MaxLength(200)
  contentType: string;

  @ApiProperty({
    type: 'integer',
    minimum: 1,
    maximum: Number.MAX_SAFE_INTEGER,
    example: 182044,
    description: 'Bytes; at most `app_settings.files.maxSize`.',
  })
  @IsInt()
  @Min(1)
  @Max(Number.MAX_SAFE_INTEGER)
  size: number;
}
