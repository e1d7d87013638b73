import { Body, Controller, Delete, Get, HttpCode, Post, Query } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { CurrentUser } from '../../common/auth/decorators.js';
import { type Identity } from '../../common/auth/identity.js';
import { AppError, invalidField } from '../../common/errors/app-error.js';
import { toStoredId } from '../../common/http/client-id.js';
import { AcceptBody } from '../../common/http/request-content.guard.js';
import { DocumentsService } from '../documents/documents.service.js';
import { DOCUMENT_KINDS, type DocumentKind, type DocumentVersionDto } from '../documents/dto/document.dto.js';
import { VersionsService } from '../documents/versions.service.js';
import type { SuggestionDto } from '../suggestions/dto/suggestion.dto.js';
import { SuggestionsService } from '../suggestions/suggestions.service.js';
import { MAX_TITLE_LENGTH } from '../chat/dto/title.decorator.js';
import { pagesOf, required } from './legacy-requests.js';

const PAGE = 100;
/** The old route sends every version with its content. Above this size, only the latest versions have their content. */
const MAX_CHARACTERS = 16 * 1024 ** 2;

/** The old chatbot's routes for documents and suggestions. */
@ApiExcludeController()
@Controller('api')
export class LegacyDocumentsController {
  constructor(
    private readonly documents: DocumentsService,
    private readonly versions: VersionsService,
    private readonly suggestions: SuggestionsService,
  ) {}

  @Get('document')
  async read(@CurrentUser() user: Identity, @Query('id') id: unknown): Promise<DocumentVersionDto[]> {
    const documentId = idOf(user, id, 'id');
    const versions: DocumentVersionDto[] = [];
    let characters = 0;
    let withContent = 0;
    const read = (cursor?: string) =>
      this.versions.list(user, documentId, { limit: PAGE, cursor, content: true });
    for await (const page of pagesOf(read)) {
      for (const version of page) {
        versions.push(version);
        characters += version.content?.length ?? 0;
        while (characters > MAX_CHARACTERS && withContent < versions.length - 1) {
          const oldest = versions[withContent++]!;
          characters -= oldest.content?.length ?? 0;
          delete oldest.content;
        }
      }
    }
    return versions;
  }

  /** An existing document gets a new version, like any other manual edit. Nothing is overwritten. */
  @Post('document')
  @HttpCode(200)
  @AcceptBody({ large: true })
  async write(
    @CurrentUser() user: Identity,
    @Query('id') id: unknown,
    @Body() body: Record<string, unknown>,
  ): Promise<DocumentVersionDto[]> {
    const documentId = idOf(user, id, 'id');
    const { title, content, kind } = readDocument(body);
    const known = await this.exists(user, documentId);
    return [
      known
        ? await this.documents.addVersion(user, documentId, { title, content })
        : await this.documents.create(user, { id: documentId, title, content, kind }),
    ];
  }

  @Delete('document')
  async deleteAfter(
    @CurrentUser() user: Identity,
    @Query('id') id: unknown,
    @Query('timestamp') timestamp: unknown,
  ): Promise<DocumentVersionDto[]> {
    const documentId = idOf(user, id, 'id');
    const after = new Date(required(timestamp, 'timestamp'));
    if (Number.isNaN(after.getTime())) throw invalidField('timestamp', 'must be a time');
    const later = (await this.versionsOf(user, documentId)).filter(
      ({ createdAt }) => Date.parse(createdAt) > after.getTime(),
    );
    await this.versions.deleteAfter(user, documentId, after.toISOString());
    return later;
  }

  /** The suggestions of all versions. Empty if the document does not exist. */
  @Get('suggestions')
  async list(@CurrentUser() user: Identity, @Query('documentId') id: unknown): Promise<SuggestionDto[]> {
    const documentId = idOf(user, id, 'documentId');
    if (!(await this.exists(user, documentId))) return [];
    const suggestions: SuggestionDto[] = [];
    for (const { createdAt: version } of await this.versionsOf(user, documentId)) {
      const read = (cursor?: string) =>
        this.suggestions.list(user, documentId, { version, limit: PAGE, cursor });
      for await (const page of pagesOf(read)) suggestions.push(...page);
    }
    return suggestions;
  }

  private async versionsOf(user: Identity, documentId: string): Promise<DocumentVersionDto[]> {
    const versions: DocumentVersionDto[] = [];
    const read = (cursor?: string) =>
      this.versions.list(user, documentId, { limit: PAGE, cursor, content: false });
    for await (const page of pagesOf(read)) versions.push(...page);
    return versions;
  }

  private async exists(user: Identity, documentId: string): Promise<boolean> {
    try {
      await this.versions.list(user, documentId, { limit: 1, content: false });
      return true;
    } catch (error) {
      if (error instanceof AppError && error.status === 404) return false;
      throw error;
    }
  }
}

function idOf(user: Identity, value: unknown, name: string): string {
  return toStoredId(user.idNamespace, required(value, name), name);
}

function readDocument(body: Record<string, unknown> | undefined): {
  title: string;
  content: string;
  kind: DocumentKind;
} {
  const { title, content, kind } = body ?? {};
  if (typeof title !== 'string' || title === '' || title.length > MAX_TITLE_LENGTH) {
    throw invalidField('title', `must be a string of 1 to ${MAX_TITLE_LENGTH} characters`);
  }
  if (typeof content !== 'string') throw invalidField('content', 'must be a string');
  const known = DOCUMENT_KINDS.find((name) => name === kind);
  if (known === undefined) throw invalidField('kind', `must be one of ${DOCUMENT_KINDS.join(', ')}`);
  return { title, content, kind: known };
}
