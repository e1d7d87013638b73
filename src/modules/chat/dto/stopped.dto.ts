import { ApiProperty } from '@nestjs/swagger';

export class StoppedDto {
  @ApiProperty({ description: 'False when no answer was being written.' })
  stopped: boolean;
}
