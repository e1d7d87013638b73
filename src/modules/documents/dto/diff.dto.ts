import { ApiProperty } from '@nestjs/swagger';

export class DiffHunkDto {
  @ApiProperty({
    type: 'integer',
    example: 1,
    description: 'The first line in `from`. As in a unified diff, the line before it if `oldLines` is 0.',
  })
  oldStart: number;

  @ApiProperty({ type: 'integer', example: 2 })
  oldLines: number;

  @ApiProperty({
    type: 'integer',
    example: 1,
    description: 'The first line in `to`. As in a unified diff, the line before it if `newLines` is 0.',
  })
  newStart: number;

  @ApiProperty({ type: 'integer', example: 2 })
  newLines: number;

  @ApiProperty({
    type: [String],
    example: [' # March', '-Tomatoes', '+Tomatoes, on the window sill'],
    description:
      'Each line starts with its sign: a space, `-`, `+`, or `\\` if the end of a text has no line break.',
  })
  lines: string[];
}

export class DiffDto {
  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    example: '2026-11-23T08:15:30.123Z',
    description:
      'The older version. Null if there is no version before `to`; every line is then an addition.',
  })
  from: string | null;

  @ApiProperty({
    format: 'date-time',
    example: '2026-11-23T08:20:00.456Z',
    description: 'The newer version.',
  })
  to: string;

  @ApiProperty({
    example:
      '--- 3e8d1c5a-6f0b-4c2e-9d47-1a5b8c7e2f90\t2026-11-23T08:15:30.123Z\n' +
      '+++ 3e8d1c5a-6f0b-4c2e-9d47-1a5b8c7e2f90\t2026-11-23T08:20:00.456Z\n' +
      '@@ -1,2 +1,2 @@\n # March\n-Tomatoes\n+Tomatoes, on the window sill\n',
    description:
      'The difference as a unified diff with three lines of context, usable with `patch`. Empty if there is no difference.',
  })
  unified: string;

  @ApiProperty({ type: [DiffHunkDto], description: 'The same difference in machine-readable form.' })
  hunks: DiffHunkDto[];
}
