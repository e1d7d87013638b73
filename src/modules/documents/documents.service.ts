import { randomUUID } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import type { Identity } from '../../common/auth/identity.js';
import { Database } from '../../common/database/database.js';
import { conflict, notFound } from '../../common/errors/app-error.js';
import { postgresCode } from '../../common/errors/postgres-errors.js';
import { type Keyset, keysetOf, type Page, toItems, toPageBy } from '../../common/http/paging.js';
import { toPlace } from '../../common/http/place.js';
import { checkContent } from './document-content.js';
import { decodeDocumentCursor, encodeDocumentCursor } from './document-cursor.js';
import { toDocument, toVersion } from './documents.mapper.js';
import { type DocumentRow, DocumentsRepository } from './documents.repository.js';
import type { DocumentDto, DocumentVersionDto } from './dto/document.dto.js';
import type { ListDocumentsQuery } from './dto/document.queries.js';
import type { CreateDocumentDto, PutDocumentDto } from './dto/write-document.dto.js';

/** What is read of all versions at a time: many small ones, or few large ones. */
const STRETCH = { limit: 100, bytes: 256 * 1024 };

/** Documents as their owner sees them. Ids are stored ids; a version is named by its `createdAt`. */
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
    const asOf = after?.asOf ?? (first ? toPlace(first.placeAt) : '');
    return toPageBy(
      rows,
      limit,
      ({ id, placeAt }) => encodeDocumentCursor({ at: toPlace(placeAt, 'descending'), id, asOf }),
      (row) => toVersion(row, withContent),
      ({ id }) => id,
    );
  }

  /** Every version of every document, oldest first, as many after a place as are good to have in memory at a time. */
  async listAllVersions(
    identity: Identity,
    after?: Keyset,
  ): Promise<{ items: DocumentDto[]; last?: Keyset }> {
    const rows = await this.database.readAsUser(identity, (statements) =>
      this.documents.findAllVersions(statements, { after, ...STRETCH }),
    );
    const last = rows.at(-1);
    return { items: toItems(rows, toDocument, ({ id }) => id), last: last && keysetOf(last) };
  }

  /**
   * @throws AppError 400 when the content is not of its kind, 409 when the user has a document of this id already, 404
   *   when it is not theirs to take
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

  /** @throws AppError 404 when it is not an own document */
  async latest(identity: Identity, id: string): Promise<DocumentDto> {
    const row = await this.database.asUser(identity, (manager) => this.documents.findLatest(manager, id));
    if (!row) throw notFound('The document');
    return toDocument(row);
  }

  /**
   * One version, by default the latest.
   *
   * @throws AppError 404 when it is not a version of an own document
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
   * Adds a version. Writers of one document take turns, and every version is kept; with `baseVersion` only one of several
   * that start from the same version succeeds.
   *
   * @throws AppError 404 when it is not an own document, 400 when the content is not of its kind, 409 when `baseVersion`
   *   is not the latest version (any more)
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

  /** @throws AppError 404 when it is not an own document */
  async delete(identity: Identity, id: string): Promise<void> {
    const deleted = await this.database.asUser(identity, (manager) => this.documents.delete(manager, id));
    if (deleted === 0) throw notFound('The document');
  }

  /**
   * Waits for other writers of a document, and keeps them waiting until the transaction of `manager` ends.
   *
   * @returns the latest version; undefined when it is not an own document
   */
  lockLatest(manager: EntityManager, id: string): Promise<DocumentRow | undefined> {
    return this.documents.lockLatest(manager, id, { withContent: true });
  }

  /**
   * Adds a version with another content after the latest one, which {@link lockLatest} has given.
   *
   * @throws AppError 400 naming `path` when the content is not of its kind
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
