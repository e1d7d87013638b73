import { Body, Controller, Delete, Get, Header, HttpCode, Param, Post, Query } from '@nestjs/common';
import { ApiBearerAuth, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import { CurrentUser } from '../../common/auth/decorators.js';
import { type Identity } from '../../common/auth/identity.js';
import { ApiProblems } from '../../common/errors/api-problems.js';
import { ApiClientIdParam, toStoredId } from '../../common/http/client-id.js';
import { type Page } from '../../common/http/paging.js';
import { DiffDto } from './dto/diff.dto.js';
import {
  DeletedVersionsDto,
  DocumentDto,
  DocumentPageDto,
  type DocumentVersionDto,
} from './dto/document.dto.js';
import { DeleteVersionsQuery, DiffQuery, ListVersionsQuery } from './dto/document.queries.js';
import { RestoreVersionDto } from './dto/write-document.dto.js';
import { VersionsService } from './versions.service.js';

@ApiTags('Documents')
@ApiBearerAuth()
@Controller('api/documents/:id')
export class VersionsController {
  constructor(private readonly versions: VersionsService) {}

  @Get('versions')
  @ApiOperation({ summary: 'List the versions of a document, oldest first' })
  @ApiClientIdParam('id', 'document')
  @ApiOkResponse({ type: DocumentPageDto })
  @ApiProblems(400, 404)
  list(
    @CurrentUser() user: Identity,
    @Param('id') id: string,
    @Query() query: ListVersionsQuery,
  ): Promise<Page<DocumentVersionDto>> {
    return this.versions.list(user, toStoredId(user.idNamespace, id, 'id'), query);
  }

  @Delete('versions')
  @ApiOperation({
    summary: 'Delete the versions after a time',
    description:
      'Their suggestions are deleted as well. If no version is left, the document no longer exists.',
  })
  @ApiClientIdParam('id', 'document')
  @ApiOkResponse({ type: DeletedVersionsDto })
  @ApiProblems(400, 404)
  deleteAfter(
    @CurrentUser() user: Identity,
    @Param('id') id: string,
    @Query() { after }: DeleteVersionsQuery,
  ): Promise<DeletedVersionsDto> {
    return this.versions.deleteAfter(user, toStoredId(user.idNamespace, id, 'id'), after);
  }

  @Get('diff')
  @ApiOperation({
    summary: 'Compare two versions',
    description: `Compares the last two versions by default. For the first version, every line is an addition. Returns 413
\`payload_too_large\` if the difference is too large to send (more than about 2 MB) or takes too long to compute. Read both
versions and compare them yourself in that case. Returns 429 \`rate_limited\` if too many of your comparisons are running.`,
  })
  @ApiClientIdParam('id', 'document')
  @Header('Content-Type', 'application/json; charset=utf-8')
  @ApiOkResponse({ type: DiffDto })
  @ApiProblems(400, 404, 413)
  diff(@CurrentUser() user: Identity, @Param('id') id: string, @Query() query: DiffQuery): Promise<Buffer> {
    return this.versions.diff(user, toStoredId(user.idNamespace, id, 'id'), query);
  }

  @Post('restore')
  @HttpCode(200)
  @ApiOperation({
    summary: 'Restore an earlier version',
    description:
      'Stores the content of the version as a new version. The versions in between are kept, and so is the current title.',
  })
  @ApiClientIdParam('id', 'document')
  @ApiOkResponse({ type: DocumentDto })
  @ApiProblems(400, 404, 413, 415)
  restore(
    @CurrentUser() user: Identity,
    @Param('id') id: string,
    @Body() { version }: RestoreVersionDto,
  ): Promise<DocumentDto> {
    return this.versions.restore(user, toStoredId(user.idNamespace, id, 'id'), version);
  }
}
