import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Identity } from '../../common/auth/identity.js';
import { Database } from '../../common/database/database.js';
import { conflict, notFound } from '../../common/errors/app-error.js';
import { postgresCode } from '../../common/errors/postgres-errors.js';
import { type Keyset, keysetOf, type Page, toItems, toPageBy } from '../../common/http/paging.js';
import { toCursorTime } from '../../common/http/cursor-time.js';
import { checkContent } from './document-content.js';
import { decodeDocumentCursor, encodeDocumentCursor } from './document-cursor.js';
import { toDocument, toVersion } from './documents.mapper.js';
import { type DocumentRow, DocumentsRepository } from './documents.repository.js';
import type { DocumentDto, DocumentVersionDto } from './dto/document.dto.js';
import type { ListDocumentsQuery } from './dto/document.queries.js';
import type { CreateDocumentDto, PutDocumentDto } from './dto/write-document.dto.js';

/** The number of versions to read at once: many small ones, or a few large ones. */
const PAGE_SIZE = { limit: 100, bytes: 256 * 1024 };

/** Documents for their owner. Ids are stored ids. A version is identified by its `createdAt`. */
@Injectable()
export class DocumentsService {
  constructor(
    private readonly database: Database,
    private readonly documents: DocumentsRepository,
  ) {}

  /**
   * The latest version of each document, newest first. A document that gets a new version while the pages are read is
   * neither skipped nor repeated.
   */
  async list(
    identity: Identity,
    { kind, limit, cursor, content: withContent }: ListDocumentsQuery,
  ): Promise<Page<DocumentVersionDto>> {
    const after = decodeDocumentCursor(cursor);
    const rows = await this.database.asUser(identity, (manager) =>
      this.documents.findPage(manager, { kind, after, limit, withContent }),
    );
    const [first] = rows;
    const asOf = after?.asOf ?? (first ? toCursorTime(first.placeAt) : '');
    return toPageBy(
      rows,
      limit,
      ({ id, placeAt }) => encodeDocumentCursor({ at: toCursorTime(placeAt, 'descending'), id, asOf }),
      (row) => toVersion(row, withContent),
      ({ id }) => id,
    );
  }

  /** Every version of every document, oldest first. Returns as many after a position as should be in memory at once. */
  async listAllVersions(
    identity: Identity,
    after?: Keyset,
  ): Promise<{ items: DocumentDto[]; last?: Keyset }> {
    const rows = await this.database.readAsUser(identity, (statements) =>
      this.documents.findAllVersions(statements, { after, ...PAGE_SIZE }),
    );
    const last = rows.at(-1);
    return { items: toItems(rows, toDocument, ({ id }) => id), last: last && keysetOf(last) };
  }

  /**
   * @throws AppError 400 if the content is invalid for its kind, 409 if the user already has a document with this id,
   * 404 if another user has it
   */
  async create(
    identity: Identity,
    { id = randomUUID(), title, kind, content }: CreateDocumentDto,
  ): Promise<DocumentDto> {
    checkContent(kind, content);
    const document = { id, userId: identity.id, title, kind, content };
    const row = await this.database.asUser(identity, (manager) =>
      this.documents.create(manager, document).catch((error: unknown) => {
        throw postgresCode(error) === '42501' ? notFound('The document') : error;
      }),
    );
    if (!row) throw conflict('You already have a document with this id.');
    return toDocument(row);
  }

  /** @throws AppError 404 if it is not the user's own document */
  async latest(identity: Identity, id: string): Promise<DocumentDto> {
    const row = await this.database.asUser(identity, (manager) => this.documents.findLatest(manager, id));
    if (!row) throw notFound('The document');
    return toDocument(row);
  }

  /**
   * One version, by default the latest.
   *
   * @throws AppError 404 if it is not a version of the user's own document
   */
  async read(identity: Identity, id: string, version?: string): Promise<DocumentDto> {
    if (version === undefined) return this.latest(identity, id);
    const row = await this.database.asUser(identity, (manager) =>
      this.documents.findVersion(manager, id, new Date(version)),
    );
    if (!row) throw notFound('This version of the document');
    return toDocument(row);
  }

  /**
   * Adds a version. Writers of one document run one after the other, and every version is kept. With `baseVersion`,
   * only one of several writers with the same base version succeeds.
   *
   * @throws AppError 404 if it is not the user's own document, 400 if the content is invalid for its kind, 409 if
   * `baseVersion` is not (or no longer) the latest version
   */
  async addVersion(
    identity: Identity,
    id: string,
    { title, content, baseVersion }: PutDocumentDto,
  ): Promise<DocumentDto> {
    return this.database.asUser(identity, async (manager) => {
      const latest = await this.documents.lockLatest(manager, id, { withContent: false });
      if (!latest) throw notFound('The document');
      checkContent(latest.kind, content);
      if (baseVersion !== undefined && Date.parse(baseVersion) !== latest.createdAt.getTime()) {
        throw conflict(`The latest version is now ${latest.createdAt.toISOString()}.`);
      }
      const version = { title: title ?? latest.title, kind: latest.kind, content };
      return toDocument(await this.documents.addVersion(manager, latest, version));
    });
  }

  /** @throws AppError 404 if it is not the user's own document */
  async delete(identity: Identity, id: string): Promise<void> {
    const deleted = await this.database.asUser(identity, (manager) => this.documents.delete(manager, id));
    if (deleted === 0) throw notFound('The document');
  }

  /**
   * Waits for other writers of a document, and blocks them until the transaction of `manager` ends.
   *
   * @returns the latest version, or undefined if it is not the user's own document
   */
  lockLatest(manager: EntityManager, id: string): Promise<DocumentRow | undefined> {
    return this.documents.lockLatest(manager, id, { withContent: true });
  }

  /**
   * Adds a version with different content after the latest one, which {@link lockLatest} returned.
   *
   * @throws AppError 400 naming `path` if the content is invalid for its kind
   */
  async replaceContent(
    manager: EntityManager,
    latest: DocumentRow,
    content: string,
    path: string,
  ): Promise<DocumentDto> {
    checkContent(latest.kind, content, path);
    const { title, kind } = latest;
    return toDocument(await this.documents.addVersion(manager, latest, { title, kind, content }));
  }
}
