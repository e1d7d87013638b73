import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Identity } from '../../common/auth/identity.js';
import { Database } from '../../common/database/database.js';
import { notFound } from '../../common/errors/app-error.js';
import { decodeCursor, keysetOf, type Page, toPage } from '../../common/http/paging.js';
import { DiffWorkers } from './diff-workers.js';
import { toDocument, toVersion } from './documents.mapper.js';
import { type DocumentRow, DocumentsRepository } from './documents.repository.js';
import type { DeletedVersionsDto, DocumentDto, DocumentVersionDto } from './dto/document.dto.js';
import type { DiffQuery, ListVersionsQuery } from './dto/document.queries.js';

const VERSION = 'This version of the document';

/** The history of the user's own document. */
@Injectable()
export class VersionsService {
  constructor(
    private readonly database: Database,
    private readonly documents: DocumentsRepository,
    private readonly workers: DiffWorkers,
  ) {}

  /**
   * All versions, oldest first.
   *
   * @throws AppError 404 if it is not the user's own document
   */
  async list(
    identity: Identity,
    id: string,
    { limit, cursor, content: withContent }: ListVersionsQuery,
  ): Promise<Page<DocumentVersionDto>> {
    const after = decodeCursor(cursor)?.at;
    const rows = await this.database.asUser(identity, (manager) =>
      this.documents.findVersions(manager, id, { after, limit, withContent }),
    );
    if (!rows) throw notFound('The document');
    return toPage(rows, limit, keysetOf, (row) => toVersion(row, withContent));
  }

  /**
   * The difference between two versions, by default between the latest and the one before it. Without a previous
   * version, everything is an addition.
   *
   * @returns a `DiffDto` as JSON, as written by the worker
   * @throws AppError 404 if one of them is not a version of the user's own document; also what {@link
   * DiffWorkers.compare} throws
   */
  async diff(identity: Identity, id: string, query: DiffQuery): Promise<Buffer> {
    const [from, to] = await this.database.asUser(identity, (manager) => this.findSides(manager, id, query));
    return this.workers.compare(identity.id, {
      from: { name: id, version: from?.createdAt.toISOString(), content: from?.content ?? '' },
      to: { name: id, version: to.createdAt.toISOString(), content: to.content ?? '' },
    });
  }

  /**
   * Makes the content of an earlier version the latest again, as a new version.
   *
   * @throws AppError 404 if it is not a version of the user's own document
   */
  async restore(identity: Identity, id: string, version: string): Promise<DocumentDto> {
    return this.database.asUser(identity, async (manager) => {
      const latest = await this.documents.lockLatest(manager, id, { withContent: false });
      if (!latest) throw notFound('The document');
      const { kind, content } = await this.findVersion(manager, id, version);
      // The title is not restored: renaming a document does not apply to a single version.
      return toDocument(
        await this.documents.addVersion(manager, latest, { title: latest.title, kind, content }),
      );
    });
  }

  /**
   * Deletes all versions after a time. If no version is left, the document no longer exists.
   *
   * @throws AppError 404 if it is not the user's own document
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
