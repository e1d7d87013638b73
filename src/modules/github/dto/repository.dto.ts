import { ApiProperty } from '@nestjs/swagger';

/** A repository that the user has connected. */
export class GithubRepositoryDto {
  @ApiProperty({
    format: 'uuid',
    example: '5c0f4a1e-8b5d-4f0e-9f33-8f2f6a7d1b20',
    description: 'Used as `repositoryId` of `POST /api/chat`.',
  })
  id: string;

  @ApiProperty({ example: 'octo-org' })
  owner: string;

  @ApiProperty({ example: 'hello-world' })
  name: string;

  @ApiProperty({ format: 'uri', example: 'https://github.com/octo-org/hello-world' })
  url: string;

  @ApiProperty({
    example: 'main',
    description: 'The default branch at the time the repository was connected.',
  })
  defaultBranch: string;

  @ApiProperty({ example: true, description: 'Whether the agent may work on the repository.' })
  isActive: boolean;

  @ApiProperty({
    type: String,
    format: 'date-time',
    nullable: true,
    example: '2026-11-23T08:15:30.123Z',
    description: 'When the agent last worked on the repository, or null if it never did.',
  })
  lastAccessed: string | null;

  @ApiProperty({
    format: 'date-time',
    example: '2026-11-20T10:00:00.000Z',
    description: 'When the repository was connected.',
  })
  createdAt: string;
}

export class GithubRepositoryPageDto {
  @ApiProperty({ type: [GithubRepositoryDto] })
  items: GithubRepositoryDto[];

  @ApiProperty({
    type: String,
    nullable: true,
    example: null,
    description: 'The `cursor` of the next page. Null on the last page.',
  })
  nextCursor: string | null;
}

/** A repository that can be connected. */
export class AvailableRepositoryDto {
  @ApiProperty({ example: 'octo-org' })
  owner: string;

  @ApiProperty({ example: 'hello-world' })
  name: string;

  @ApiProperty({ format: 'uri', example: 'https://github.com/octo-org/hello-world' })
  url: string;

  @ApiProperty({ type: String, nullable: true, example: 'My first repository on GitHub!' })
  description: string | null;

  @ApiProperty({ example: 'main' })
  defaultBranch: string;

  @ApiProperty({ example: false })
  isPrivate: boolean;
}

export class AvailableRepositoryPageDto {
  @ApiProperty({ type: [AvailableRepositoryDto] })
  items: AvailableRepositoryDto[];

  @ApiProperty({
    type: String,
    nullable: true,
    example: null,
    description:
      'The `cursor` of the next page. Null on the last page. With a search, a page can have few items or none and still not be the last.',
  })
  nextCursor: string | null;
}
