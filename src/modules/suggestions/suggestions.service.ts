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
  type Stretch,
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

/** A proposed edit as its author states it. */
export interface SuggestionDraft {
  /** Made when it is left out; who makes ids uses UUIDv7, by which suggestions of one moment are ordered. */
  id?: string;
  originalText: string;
  suggestedText: string;
  description?: string | null;
}

const STRETCH = { limit: 200, bytes: 256 * 1024 };

/** Proposed edits of versions of own documents. */
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
   * @throws AppError 404 when there is no such version of an own document
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
   * The suggestions for several versions, version by version, oldest first, as many as are read at a time. The versions
   * are named as {@link versionKey} does.
   *
   * @param after where to go on in the first of the versions
   */
  async listOfVersions(
    identity: Identity,
    versionKeys: string[],
    after?: Keyset,
  ): Promise<Stretch<SuggestionDto>> {
    const versions = versionKeys.map((key) => {
      const [documentId = '', version = ''] = key.split('@');
      return { documentId, version: new Date(version) };
    });
    const rows = await this.database.readAsUser(identity, (statements) =>
      this.suggestions.findOfVersions(statements, { versions, after, ...STRETCH }),
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
   * @param documentCreatedAt the version, as the `createdAt` of the document has it
   * @throws AppError 404 when there is no such version of an own document
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

  /** @throws AppError 404 when it is not an own suggestion */
  async setResolved(identity: Identity, id: string, isResolved: boolean): Promise<SuggestionDto> {
    const row = await this.database.asUser(identity, (manager) =>
      this.suggestions.setResolved(manager, id, isResolved),
    );
    if (!row) throw notFound('The suggestion');
    return toSuggestion(row);
  }

  /**
   * Replaces the text in the latest version of the document, whichever version the suggestion was made for, and resolves
   * the suggestion. Of several attempts at once, one succeeds.
   *
   * @returns the new version
   * @throws AppError 404 when it is not an own suggestion; 409 when it is resolved, or its text does not stand in the
   *   latest version exactly once; 400 when a sheet would not be valid CSV any more
   */
  async apply(identity: Identity, id: string): Promise<DocumentDto> {
    return this.database.asUser(identity, async (manager) => {
      const found = await this.suggestions.findById(manager, id);
      if (!found) throw notFound('The suggestion');
      // First the document, then the suggestion: whoever deletes a version locks them in this order, too.
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

  /** @throws AppError 404 when it is not an own suggestion */
  async delete(identity: Identity, id: string): Promise<void> {
    const deleted = await this.database.asUser(identity, (manager) => this.suggestions.delete(manager, id));
    if (deleted === 0) throw notFound('The suggestion');
  }
}

/** One version of a document in one word; `version` is its `createdAt`. */
export function versionKey(documentId: string, version: string): string {
  return `${documentId}@${version}`;
}
