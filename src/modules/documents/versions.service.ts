import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Identity } from '../../common/auth/identity.js';
import { Database } from '../../common/database/database.js';
import { notFound } from '../../common/errors/app-error.js';
import { decodeCursor, type Page, toPage } from '../../common/http/paging.js';
import { compare } from './document-diff.js';
import { toDocument, toVersion } from './documents.mapper.js';
import { type DocumentRow, DocumentsRepository } from './documents.repository.js';
import type { DiffDto } from './dto/diff.dto.js';
import type { DeletedVersionsDto, DocumentDto, DocumentVersionDto } from './dto/document.dto.js';
import type { DiffQuery, ListVersionsQuery } from './dto/document.queries.js';

const VERSION = 'This version of the document';

/** The history of an own document. */
@Injectable()
export class VersionsService {
  constructor(
    private readonly database: Database,
    private readonly documents: DocumentsRepository,
  ) {}

  /**
   * All versions, oldest first.
   *
   * @throws AppError 404 when it is not an own document
   */
  async list(
    identity: Identity,
    id: string,
    { limit, cursor, content: withContent }: ListVersionsQuery,
  ): Promise<Page<DocumentVersionDto>> {
    const after = decodeCursor(cursor)?.at;
    const rows = await this.database.asUser(identity, (manager) =>
      this.documents.findVersions(manager, id, { after, limit: limit + 1, withContent }),
    );
    if (!rows) throw notFound('The document');
    return toPage(
      rows,
      limit,
      (row) => ({ at: row.createdAt.toISOString(), id: row.id }),
      (row) => toVersion(row, withContent),
    );
  }

  /**
   * What has changed between two versions: by default between the latest and the one before, or nothing where there is
   * none before.
   *
   * @throws AppError 404 when one of them is not a version of an own document
   */
  async diff(identity: Identity, id: string, query: DiffQuery): Promise<DiffDto> {
    const [from, to] = await this.database.asUser(identity, (manager) => this.findSides(manager, id, query));
    const before = from?.createdAt.toISOString();
    const after = to.createdAt.toISOString();
    const difference = compare(
      { name: id, version: before, content: from?.content ?? '' },
      { name: id, version: after, content: to.content ?? '' },
    );
    return { from: before ?? null, to: after, ...difference };
  }

  /**
   * Makes the content of an earlier version the latest again, as a new version.
   *
   * @throws AppError 404 when it is not a version of an own document
   */
  async restore(identity: Identity, id: string, version: string): Promise<DocumentDto> {
    return this.database.asUser(identity, async (manager) => {
      const latest = await this.documents.lockLatest(manager, id, { withContent: false });
      if (!latest) throw notFound('The document');
      const { kind, content } = await this.findVersion(manager, id, version);
      // The title is not part of what is gone back to: who renames a document does not mean one version.
      return toDocument(
        await this.documents.addVersion(manager, latest, { title: latest.title, kind, content }),
      );
    });
  }

  /**
   * Deletes all versions that are later than a time; a document that has no other is gone.
   *
   * @throws AppError 404 when it is not an own document
   */
  async deleteAfter(identity: Identity, id: string, after: string): Promise<DeletedVersionsDto> {
    return this.database.asUser(identity, async (manager) => {
      const latest = await this.documents.lockLatest(manager, id, { withContent: false });
      if (!latest) throw notFound('The document');
      return { deleted: await this.documents.delete(manager, id, new Date(after)) };
    });
  }

  private async findSides(
    manager: EntityManager,
    id: string,
    { from, to }: DiffQuery,
  ): Promise<[from: DocumentRow | undefined, to: DocumentRow]> {
    const target =
      to === undefined
        ? await this.documents.findLatest(manager, id)
        : await this.findVersion(manager, id, to);
    if (!target) throw notFound('The document');
    const base =
      from === undefined
        ? await this.documents.findBefore(manager, id, target.createdAt)
        : await this.findVersion(manager, id, from);
    return [base, target];
  }

  private async findVersion(manager: EntityManager, id: string, version: string): Promise<DocumentRow> {
    const row = await this.documents.findVersion(manager, id, new Date(version));
    if (!row) throw notFound(VERSION);
    return row;
  }
}
