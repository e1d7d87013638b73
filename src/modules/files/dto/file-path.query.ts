import { ApiProperty } from '@nestjs/swagger';
import { IsString, MaxLength, MinLength } from 'class-validator';

export class FilePathQuery {
  @ApiProperty({
    minLength: 1,
    maxLength: 1024,
    example: '5a1d7f5e-7b5c-4f5e-9d0e-0f2b7c1d3e4f/9b0f7c1e-2a3b-4c5d-8e6f-7a8b9c0d1e2f/report.pdf',
    description: 'The path of the file, as returned by `POST /api/files` and by the list.',
  })
  @IsString()
  @MinLength(1)
  @MaxLength(1024)
  path: string;
}
