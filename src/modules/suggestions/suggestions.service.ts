import { Injectable } from '@nestjs/common';
import { v7 } from 'uuid';
import type { Identity } from '../../common/auth/identity.js';
import { Database } from '../../common/database/database.js';
import { conflict, notFound } from '../../common/errors/app-error.js';
import {
  decodeCursor,
  type Keyset,
  keysetOf,
  type Page,
  type OwnedPage,
  toItems,
  toPage,
} from '../../common/http/paging.js';
import { DocumentsService } from '../documents/documents.service.js';
import type { DocumentDto } from '../documents/dto/document.dto.js';
import type { ListSuggestionsQuery } from './dto/list-suggestions.query.js';
import type { SuggestionDto } from './dto/suggestion.dto.js';
import { replaceOnce } from './replace-once.js';
import { toSuggestion } from './suggestions.mapper.js';
import { SuggestionsRepository } from './suggestions.repository.js';

/** A suggested edit without the stored fields. */
export interface SuggestionDraft {
  /**
   * Created if omitted. Callers that create ids use UUIDv7, because suggestions of the same moment are ordered by id.
   */
  id?: string;
  originalText: string;
  suggestedText: string;
  description?: string | null;
}

const PAGE_SIZE = { limit: 200, bytes: 256 * 1024 };

/** Suggested edits of versions of the user's own documents. */
@Injectable()
export class SuggestionsService {
  constructor(
    private readonly database: Database,
    private readonly suggestions: SuggestionsRepository,
    private readonly documents: DocumentsService,
  ) {}

  /**
   * The suggestions for a version of a document (the latest by default), oldest first.
   *
   * @throws AppError 404 if there is no such version of the user's own document
   */
  async list(
    identity: Identity,
    documentId: string,
    { resolved, version, limit, cursor }: ListSuggestionsQuery,
  ): Promise<Page<SuggestionDto>> {
    const filter = {
      documentId,
      version: version === undefined ? undefined : new Date(version),
      isResolved: resolved,
      after: decodeCursor(cursor),
      limit,
    };
    const rows = await this.database.asUser(identity, (manager) =>
      this.suggestions.findPage(manager, filter),
    );
    if (!rows) throw notFound(version === undefined ? 'The document' : 'This version of the document');
    return toPage(rows, limit, keysetOf, toSuggestion);
  }

  /**
   * The suggestions for several versions, version by version, oldest first. Returns as many as are read at once. The
   * versions are identified as in {@link versionKey}.
   *
   * @param after where to continue in the first version
   */
  async listOfVersions(
    identity: Identity,
    versionKeys: string[],
    after?: Keyset,
  ): Promise<OwnedPage<SuggestionDto>> {
    const versions = versionKeys.map((key) => {
      const [documentId = '', version = ''] = key.split('@');
      return { documentId, version: new Date(version) };
    });
    const rows = await this.database.readAsUser(identity, (statements) =>
      this.suggestions.findOfVersions(statements, { versions, after, ...PAGE_SIZE }),
    );
    const last = rows.at(-1);
    return {
      items: toItems(rows, toSuggestion, ({ id }) => id),
      last: last && {
        owner: versionKey(last.documentId, last.documentCreatedAt.toISOString()),
        at: keysetOf(last),
      },
    };
  }

  /**
   * Stores suggestions for a version of a document, in the given order.
   *
   * @param documentCreatedAt the version, as the document's `createdAt`
   * @throws AppError 404 if there is no such version of the user's own document
   */
  async createMany(
    identity: Identity,
    documentId: string,
    documentCreatedAt: string,
    drafts: SuggestionDraft[],
  ): Promise<SuggestionDto[]> {
    if (drafts.length === 0) return [];
    const suggestions = drafts.map(({ id = v7(), originalText, suggestedText, description = null }) => ({
      id,
      originalText,
      suggestedText,
      description,
    }));
    const version = { documentId, version: new Date(documentCreatedAt) };
    const rows = await this.database.asUser(identity, (manager) =>
      this.suggestions.createMany(manager, version, suggestions),
    );
    if (rows.length === 0) throw notFound('This version of the document');
    return rows.map(toSuggestion);
  }

  /** @throws AppError 404 if it is not the user's own suggestion */
  async setResolved(identity: Identity, id: string, isResolved: boolean): Promise<SuggestionDto> {
    const row = await this.database.asUser(identity, (manager) =>
      this.suggestions.setResolved(manager, id, isResolved),
    );
    if (!row) throw notFound('The suggestion');
    return toSuggestion(row);
  }

  /**
   * Replaces the text in the latest version of the document, whichever version the suggestion was made for, and marks
   * the suggestion as resolved. Of several concurrent attempts, one succeeds.
   *
   * @returns the new version
   * @throws AppError 404 if it is not the user's own suggestion; 409 if it is resolved, or if its text does not occur
   * exactly once in the latest version; 400 if a sheet would no longer be valid CSV
   */
  async apply(identity: Identity, id: string): Promise<DocumentDto> {
    return this.database.asUser(identity, async (manager) => {
      const found = await this.suggestions.findById(manager, id);
      if (!found) throw notFound('The suggestion');
      // Locks the document first and then the suggestion, in the same order as deleting a version.
      const [latest, suggestion] = await Promise.all([
        this.documents.lockLatest(manager, found.documentId),
        this.suggestions.lockById(manager, id),
      ]);
      if (!latest || !suggestion) throw notFound('The suggestion');
      if (suggestion.isResolved) throw conflict('The suggestion is already resolved.');
      const content = replaceOnce(latest.content ?? '', suggestion.originalText, suggestion.suggestedText);
      if (content === undefined) {
        throw conflict('The text of the suggestion does not occur exactly once in the latest version.');
      }
      const [document] = await Promise.all([
        this.documents.replaceContent(manager, latest, content, 'suggestedText'),
        this.suggestions.setResolved(manager, id, true),
      ]);
      return document;
    });
  }

  /** @throws AppError 404 if it is not the user's own suggestion */
  async delete(identity: Identity, id: string): Promise<void> {
    const deleted = await this.database.asUser(identity, (manager) => this.suggestions.delete(manager, id));
    if (deleted === 0) throw notFound('The suggestion');
  }
}

/** Identifies one version of a document in one string. `version` is its `createdAt`. */
export function versionKey(documentId: string, version: string): string {
  return `${documentId}@${version}`;
}
