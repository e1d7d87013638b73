import { ApiProperty } from '@nestjs/swagger';

export class DiffHunkDto {
  @ApiProperty({
    type: 'integer',
    example: 1,
    description: 'First line in `from`; as in a unified diff, the line before when `oldLines` is 0.',
  })
  oldStart: number;

  @ApiProperty({ type: 'integer', example: 2 })
  oldLines: number;

  @ApiProperty({
    type: 'integer',
    example: 1,
    description: 'First line in `to`; as in a unified diff, the line before when `newLines` is 0.',
  })
  newStart: number;

  @ApiProperty({ type: 'integer', example: 2 })
  newLines: number;

  @ApiProperty({
    type: [String],
    example: [' # March', '-Tomatoes', '+Tomatoes, on the window sill'],
    description: 'Each with its sign: blank, `-`, `+`, or `\\` where the end of a text has no line break.',
  })
  lines: string[];
}

export class DiffDto {
  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    example: '2026-11-23T08:15:30.123Z',
    description: 'The version compared; null when there is none before `to`, and all of it is new.',
  })
  from: string | null;

  @ApiProperty({
    format: 'date-time',
    example: '2026-11-23T08:20:00.456Z',
    description: 'The version that it is compared with.',
  })
  to: string;

  @ApiProperty({
    example:
      '--- 3e8d1c5a-6f0b-4c2e-9d47-1a5b8c7e2f90\t2026-11-23T08:15:30.123Z\n' +
      '+++ 3e8d1c5a-6f0b-4c2e-9d47-1a5b8c7e2f90\t2026-11-23T08:20:00.456Z\n' +
      '@@ -1,2 +1,2 @@\n # March\n-Tomatoes\n+Tomatoes, on the window sill\n',
    description:
      'The difference as a unified diff with three lines of context, fit for `patch`; empty when there is none.',
  })
  unified: string;

  @ApiProperty({ type: [DiffHunkDto], description: 'The same difference, for a program.' })
  hunks: DiffHunkDto[];
}
