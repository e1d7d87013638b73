import { ApiProperty } from '@nestjs/swagger';
import { IsString } from 'class-validator';

export class DeleteMessagesQuery {
  @ApiProperty({
    minLength: 1,
    maxLength: 128,
    example: '0f6c1c9e-96b4-4c0a-b7a5-8a9d3c2e4f51',
    description: 'The first message to delete. All later messages are deleted as well.',
  })
  @IsString()
  from: string;
}
