import { ApiProperty } from '@nestjs/swagger';

/** Documents the body that `parseRollback` reads. */
export class RollBackConfigDto {
  @ApiProperty({
    type: 'integer',
    minimum: 1,
    example: 3,
    description: 'A version of the history. It is not taken out: its data become a new version.',
  })
  version: number;
}
