import { ApiProperty } from '@nestjs/swagger';

export class StoppedDto {
  @ApiProperty({ description: 'False if no answer was being generated.' })
  stopped: boolean;
}
