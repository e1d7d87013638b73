import { Controller, Get, Query, StreamableFile } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../../common/auth/decorators.js';
import { type Identity } from '../../common/auth/identity.js';
import { ApiProblems } from '../../common/errors/api-problems.js';
import { toStreamableFile } from '../../common/http/download.js';
import { AccountExportService } from './account-export.service.js';
import { ExportAccountQuery } from './dto/export-account.query.js';

const JSON_EXAMPLE = {
  exportedAt: '2026-11-23T09:00:00.000Z',
  user: {
    id: '9b2f1d0c-7a55-4c1e-8f42-3d1c5b7a9e10',
    email: 'ada@example.com',
    role: 'user',
    isActive: true,
    settings: { theme: 'dark' },
    createdAt: '2026-01-05T10:12:00.000Z',
  },
  chats: [{ title: 'Planning a garden', messages: [], votes: [] }],
  documents: [{ title: 'Sowing calendar', kind: 'text', content: '# March\n', suggestions: [] }],
  usage: [],
  purgedUsage: [],
  rateLimits: [],
  repositories: [],
  files: [],
};

const NDJSON_EXAMPLE = [
  { type: 'export', data: { exportedAt: JSON_EXAMPLE.exportedAt } },
  { type: 'user', data: JSON_EXAMPLE.user },
  { type: 'chat', data: { title: 'Planning a garden' } },
  { type: 'end', data: { exportedAt: JSON_EXAMPLE.exportedAt } },
]
  .map((line) => `${JSON.stringify(line)}\n`)
  .join('');

@ApiTags('Account')
@ApiBearerAuth()
@Controller('api/me')
export class AccountExportController {
  constructor(private readonly exports: AccountExportService) {}

  @Get('export')
  @ApiOperation({
    summary: 'Download all your data',
    description: `Contains your account, your chats with messages and votes, all versions of your documents with their suggestions, your
model calls (and the sums of purged ones), your rate limits, your connected repositories, and the names of your files in
storage. The response is streamed while the data is read. Each item shows its state at the time it is read. If the download
fails, the connection is closed: the JSON is then incomplete, and NDJSON has no last line of the type \`end\`.`,
  })
  @ApiOkResponse({
    description:
      'The download, as a stream. NDJSON lines have the types `export`, `user`, `chat`, `message`, `vote`, `document`, ' +
      '`suggestion`, `usage`, `purgedUsage`, `rateLimit`, `repository`, `file` and `end`. The items of a chat or a version ' +
      'follow it.',
    headers: {
      'Content-Disposition': {
        description: '`attachment`, with a file name that contains the date.',
        schema: { type: 'string' },
      },
    },
    content: {
      'application/json': { schema: { type: 'object', additionalProperties: true }, example: JSON_EXAMPLE },
      'application/x-ndjson': { schema: { type: 'string' }, example: NDJSON_EXAMPLE },
    },
  })
  @ApiProblems(400)
  async export(
    @CurrentUser() user: Identity,
    @Query() { format }: ExportAccountQuery,
  ): Promise<StreamableFile> {
    return toStreamableFile(await this.exports.open(user, format));
  }
}
