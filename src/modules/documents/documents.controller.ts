import { Body, Controller, Delete, Get, HttpCode, Param, Post, Put, Query } from '@nestjs/common';
import {
  ApiBearerAuth,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { CurrentUser } from '../../common/auth/decorators.js';
import { type Identity } from '../../common/auth/identity.js';
import { ApiProblems } from '../../common/errors/api-problems.js';
import { ApiClientIdParam, toStoredId } from '../../common/http/client-id.js';
import { type Page } from '../../common/http/paging.js';
import { AcceptBody } from '../../common/http/request-content.guard.js';
import { DocumentsService } from './documents.service.js';
import { DocumentDto, DocumentPageDto, type DocumentVersionDto } from './dto/document.dto.js';
import { ListDocumentsQuery, ReadDocumentQuery } from './dto/document.queries.js';
import { CreateDocumentDto, PutDocumentDto } from './dto/write-document.dto.js';

@ApiTags('Documents')
@ApiBearerAuth()
@Controller('api/documents')
export class DocumentsController {
  constructor(private readonly documents: DocumentsService) {}

  @Get()
  @ApiOperation({
    summary: 'List the latest version of each of your documents, newest first',
    description:
      'Pages keep the order that the documents had when the first page was read. A document that gets a new version ' +
      'meanwhile is neither skipped nor repeated. Each item is the latest version.',
  })
  @ApiOkResponse({ type: DocumentPageDto })
  @ApiProblems(400)
  list(@CurrentUser() user: Identity, @Query() query: ListDocumentsQuery): Promise<Page<DocumentVersionDto>> {
    return this.documents.list(user, query);
  }

  @Post()
  @AcceptBody({ large: true })
  @ApiOperation({
    summary: 'Create a document',
    description:
      'Stores the first version. Returns 409 `version_conflict` if you already have a document with this id.',
  })
  @ApiCreatedResponse({ type: DocumentDto })
  @ApiProblems(400, 404, 409, 413, 415)
  create(
    @CurrentUser() user: Identity,
    @Body() { id, ...document }: CreateDocumentDto,
  ): Promise<DocumentDto> {
    return this.documents.create(user, {
      ...document,
      id: id === undefined ? undefined : toStoredId(user.idNamespace, id, 'id'),
    });
  }

  @Get(':id')
  @ApiOperation({ summary: 'Get the latest version of a document, or a given one' })
  @ApiClientIdParam('id', 'document')
  @ApiOkResponse({ type: DocumentDto })
  @ApiProblems(400, 404)
  read(
    @CurrentUser() user: Identity,
    @Param('id') id: string,
    @Query() { version }: ReadDocumentQuery,
  ): Promise<DocumentDto> {
    return this.documents.read(user, toStoredId(user.idNamespace, id, 'id'), version);
  }

  @Put(':id')
  @AcceptBody({ large: true })
  @ApiOperation({
    summary: 'Store a new version of a document',
    description:
      'The kind does not change. Every version is kept, also with concurrent writers. Send `baseVersion` to avoid ' +
      'overwriting changes that you have not seen: the response is 409 `version_conflict` if it is no longer the latest ' +
      'version.',
  })
  @ApiClientIdParam('id', 'document')
  @ApiOkResponse({ type: DocumentDto })
  @ApiProblems(400, 404, 409, 413, 415)
  put(
    @CurrentUser() user: Identity,
    @Param('id') id: string,
    @Body() version: PutDocumentDto,
  ): Promise<DocumentDto> {
    return this.documents.addVersion(user, toStoredId(user.idNamespace, id, 'id'), version);
  }

  @Delete(':id')
  @HttpCode(204)
  @ApiOperation({ summary: 'Delete a document with all its versions and suggestions' })
  @ApiClientIdParam('id', 'document')
  @ApiNoContentResponse({ description: 'The resource was deleted.' })
  @ApiProblems(400, 404)
  delete(@CurrentUser() user: Identity, @Param('id') id: string): Promise<void> {
    return this.documents.delete(user, toStoredId(user.idNamespace, id, 'id'));
  }
}
