import { ApiProperty } from '@nestjs/swagger';

/** Documents the body that `parseRollback` parses. */
export class RollBackConfigDto {
  @ApiProperty({
    type: 'integer',
    minimum: 1,
    example: 3,
    description: 'A version from the history. The history keeps it: its data is stored as a new version.',
  })
  version: number;
}
