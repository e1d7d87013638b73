import { Injectable } from '@nestjs/common';
import type { EntityManager } from 'typeorm';
import { ADVISORY_LOCKS } from '../../common/database/advisory-locks.js';
import { boundedRows } from '../../common/database/bounded-rows.js';
import type { SqlRunner } from '../../common/database/database.js';
import { BEFORE_ALL, type Keyset } from '../../common/http/paging.js';
import type { DocumentPlace } from './document-cursor.js';
import type { DocumentKind } from './dto/document.dto.js';

/** One version of a document. */
export interface DocumentRow {
  id: string;
  userId: string;
  title: string;
  kind: DocumentKind;
  /** Also null if the content was not requested. */
  content: string | null;
  createdAt: Date;
  /** In a page: whether more rows follow. */
  hasMore?: boolean;
}

/** The position of a document in the list. */
export interface ListedDocumentRow extends DocumentRow {
  placeAt: Date;
}

const COLUMNS = `
  document.id, document.user_id as "userId", document.title, document.kind, document."createdAt"`;

/** The same columns, as stored. */
const STORED = 'document.id, document.user_id, document.title, document.kind, document."createdAt"';

/** Columns of a document that can be large. */
const LARGE = ['title', 'content'];

const PLACE = `max(version."createdAt") filter (where version."createdAt" <= $2::timestamptz)`;

/** The content can be large, and is only read if needed. */
const contentIf = (flag: string) => `case when ${flag}::boolean then document.content end as content`;

/**
 * The position of each document in the list, and its latest version. This is one pass over the keys of the user's
 * versions, whatever statistics the planner has. Searching for later versions row by row is at best faster, and at
 * worst takes minutes.
 */
const findPage = (kind: DocumentKind | undefined) => `
  select ${COLUMNS}, document.content, document."placeAt", document."hasMore"
    from ${boundedRows({
      rows: `
        select ${STORED}, ${contentIf('$1')}, place.at as "placeAt"
          from (
            select version.id, max(version."createdAt") as latest, ${PLACE} as at
              from "Document" version
             ${kind ? 'where version.kind = $6' : ''}
             group by version.id
            having (${PLACE}, version.id) < ($3::timestamptz, $4::uuid)
             order by at desc, version.id desc
             limit $5::int + 1
          ) place
          join "Document" document on document.id = place.id and document."createdAt" = place.latest`,
      order: '"placeAt" desc, id desc',
      texts: LARGE,
      limit: '$5',
    })} document
   order by document."placeAt" desc, document.id desc`;

const FIND_LATEST = `
  select ${COLUMNS}, ${contentIf('$2')} from "Document" document
   where document.id = $1 order by document."createdAt" desc limit 1`;

const FIND_VERSION = `
  select ${COLUMNS}, document.content from "Document" document
   where document.id = $1 and document."createdAt" = $2`;

const FIND_BEFORE = `
  select ${COLUMNS}, document.content from "Document" document
   where document.id = $1 and document."createdAt" < $2 order by document."createdAt" desc limit 1`;

/** A row of nulls means that the document exists but has no (more) versions. No row means that it does not exist. */
const FIND_VERSIONS = `
  select ${COLUMNS}, document.content, document."hasMore"
    from (select from "Document" where id = $1 limit 1) found
    left join lateral ${boundedRows({
      rows: `
        select ${STORED}, ${contentIf('$2')} from "Document" document
         where document.id = $1 and document."createdAt" > $3::timestamptz
         order by document."createdAt" limit $4::int + 1`,
      order: '"createdAt"',
      texts: LARGE,
      limit: '$4',
    })} document on true
   order by document."createdAt"`;

const FIND_ALL_VERSIONS = `
  select ${COLUMNS}, document.content
    from ${boundedRows({
      rows: `
        select document.* from "Document" document
         where (document."createdAt", document.id) > ($1::timestamptz, $2::uuid)
         order by document."createdAt", document.id
         limit $3::int`,
      order: '"createdAt", id',
      texts: LARGE,
      limit: '$3',
      bytes: '$4::int',
    })} document
   order by document."createdAt", document.id`;

/** The same lock that the trigger of the table takes for each new version, taken earlier. */
const LOCK = `select pg_advisory_xact_lock(hashtextextended($1::uuid::text, ${ADVISORY_LOCKS.document}))`;
/** The same for an existing document. A request for another user's document takes no lock, so it blocks nobody. */
const LOCK_OWN = `${LOCK} from (select from "Document" where id = $1::uuid limit 1) own`;

const CREATE = `
  insert into "Document" as document (id, "createdAt", user_id, title, kind, content)
  select $1::uuid, clock_timestamp(), $2::uuid, $3::text, $4::varchar, $5::text
   where not exists (select from "Document" existing where existing.id = $1)
  returning ${COLUMNS}, document.content`;

/** Not `now()`: a transaction that had to wait for the lock began before the version that it follows. */
const ADD_VERSION = `
  insert into "Document" as document (id, "createdAt", user_id, title, kind, content)
  values ($1, greatest(clock_timestamp(), $2::timestamptz + interval '1 millisecond'), $3, $4, $5, $6)
  returning ${COLUMNS}, document.content`;

const DELETE_AFTER = `
  with deleted as (delete from "Document" where id = $1 and "createdAt" > $2::timestamptz returning id)
  select count(*)::int as deleted from deleted`;

/**
 * Every statement here sees only the user's own documents: row level security hides the documents of others, even from
 * administrators.
 */
@Injectable()
export class DocumentsRepository {
  /**
   * A page of the latest version of each document, newest first, in the order of the first page that `after` comes
   * from.
   */
  findPage(
    manager: EntityManager,
    {
      kind,
      after,
      limit,
      withContent,
    }: { kind?: DocumentKind; after?: DocumentPlace; limit: number; withContent: boolean },
  ): Promise<ListedDocumentRow[]> {
    return manager.query<ListedDocumentRow[]>(findPage(kind), [
      withContent,
      after?.asOf ?? 'infinity',
      after?.at ?? 'infinity',
      after?.id ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff',
      limit,
      ...(kind ? [kind] : []),
    ]);
  }

  async findLatest(
    manager: EntityManager,
    id: string,
    { withContent = true }: { withContent?: boolean } = {},
  ): Promise<DocumentRow | undefined> {
    const rows = await manager.query<DocumentRow[]>(FIND_LATEST, [id, withContent]);
    return rows[0];
  }

  async findVersion(manager: EntityManager, id: string, createdAt: Date): Promise<DocumentRow | undefined> {
    const rows = await manager.query<DocumentRow[]>(FIND_VERSION, [id, createdAt]);
    return rows[0];
  }

  /** The version before the given time. */
  async findBefore(manager: EntityManager, id: string, createdAt: Date): Promise<DocumentRow | undefined> {
    const rows = await manager.query<DocumentRow[]>(FIND_BEFORE, [id, createdAt]);
    return rows[0];
  }

  /**
   * A page of the versions of a document, oldest first.
   *
   * @returns undefined if there is no such document
   */
  async findVersions(
    manager: EntityManager,
    id: string,
    { after, limit, withContent }: { after?: string; limit: number; withContent: boolean },
  ): Promise<DocumentRow[] | undefined> {
    const parameters = [id, withContent, after ?? '-infinity', limit];
    const rows = await manager.query<DocumentRow[]>(FIND_VERSIONS, parameters);
    return rows.length === 0 ? undefined : rows.filter((row) => row.id !== null);
  }

  /**
   * All versions of all documents with their content, oldest first: at most `limit`, and no more than fit into `bytes`,
   * but at least one.
   */
  findAllVersions(
    statements: SqlRunner,
    { after, limit, bytes }: { after?: Keyset; limit: number; bytes: number },
  ): Promise<DocumentRow[]> {
    const { at, id } = after ?? BEFORE_ALL;
    return statements.query<DocumentRow[]>(FIND_ALL_VERSIONS, [at, id, limit, bytes]);
  }

  /**
   * Waits for other writers of a document, and blocks them until the transaction ends.
   *
   * @returns the latest version, or undefined if there is no such document
   */
  async lockLatest(
    manager: EntityManager,
    id: string,
    { withContent }: { withContent: boolean },
  ): Promise<DocumentRow | undefined> {
    // Two statements, sent at once: the second one must run after the first has taken the lock.
    const [, row] = await Promise.all([
      manager.query(LOCK_OWN, [id]),
      this.findLatest(manager, id, { withContent }),
    ]);
    return row;
  }

  /**
   * @returns undefined if the user already has a document with this id; a trigger refuses (42501) an id of another user
   */
  async create(
    manager: EntityManager,
    { id, userId, title, kind, content }: Omit<DocumentRow, 'createdAt'>,
  ): Promise<DocumentRow | undefined> {
    const [, rows] = await Promise.all([
      manager.query(LOCK, [id]),
      manager.query<DocumentRow[]>(CREATE, [id, userId, title, kind, content]),
    ]);
    return rows[0];
  }

  /** Adds a version after `latest`, at least a millisecond later. The document must be locked. */
  async addVersion(
    manager: EntityManager,
    latest: DocumentRow,
    { title, kind, content }: Pick<DocumentRow, 'title' | 'kind' | 'content'>,
  ): Promise<DocumentRow> {
    const { id, createdAt, userId } = latest;
    const parameters = [id, createdAt, userId, title, kind, content];
    const [row] = await manager.query<DocumentRow[]>(ADD_VERSION, parameters);
    if (!row) throw new Error('The new version of a document was not returned.');
    return row;
  }

  /** @returns the number of deleted versions: all, or those after `after` */
  async delete(manager: EntityManager, id: string, after?: Date): Promise<number> {
    const [, rows] = await Promise.all([
      manager.query(LOCK_OWN, [id]),
      manager.query<Array<{ deleted: number }>>(DELETE_AFTER, [id, after ?? '-infinity']),
    ]);
    return rows[0]?.deleted ?? 0;
  }
}
