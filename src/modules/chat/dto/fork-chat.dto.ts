import { ApiProperty } from '@nestjs/swagger';
import { IsString } from 'class-validator';

export class ForkChatDto {
  @ApiProperty({
    minLength: 1,
    maxLength: 128,
    example: '0f6c1c9e-96b4-4c0a-b7a5-8a9d3c2e4f51',
    description: 'The last message to copy.',
  })
  @IsString()
  messageId: string;
}
