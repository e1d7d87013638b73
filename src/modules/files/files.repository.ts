import { Injectable } from '@nestjs/common';
import { ADVISORY_LOCKS } from '../../common/database/advisory-locks.js';
import type { Identity } from '../../common/auth/identity.js';
import { Database, type SqlRunner } from '../../common/database/database.js';
import type { Keyset } from '../../common/http/paging.js';
import { BUCKET } from './file-path.js';

/** A file as storage keeps it. */
export interface FileRow {
  id: string;
  path: string;
  size: number | null;
  contentType: string | null;
  createdAt: Date;
  /** Changes each time the file is written. */
  version: string;
}

const COLUMNS = `
  id, name as path, (metadata ->> 'size')::float8 as size, metadata ->> 'mimetype' as "contentType",
  date_trunc('milliseconds', created_at) as "createdAt", concat(version, ' ', updated_at) as version`;

const IS_READABLE = `
  select coalesce(has_schema_privilege('switchboard_user', 'storage', 'usage')
                  and has_table_privilege('switchboard_user', 'storage.objects', 'select'), false) as readable
   where to_regclass('storage.objects') is not null`;

const findPage = (after: Keyset | undefined) => `
  select ${COLUMNS} from storage.objects
   where bucket_id = '${BUCKET}' and name like $1
     ${after ? `and (date_trunc('milliseconds', created_at), id) < ($3::timestamptz, $4::uuid)` : ''}
   order by date_trunc('milliseconds', created_at) desc, id desc
   limit $2::int + 1`;

const FIND = `select ${COLUMNS} from storage.objects where bucket_id = '${BUCKET}' and name = any($1::text[])`;

const FIND_ALL_OF = `
  select name as path from storage.objects where bucket_id = '${BUCKET}' and name like $1 limit $2`;

/** On hosted Supabase the role that migrates can write buckets. */
const LIMIT_BUCKET = `
  update storage.buckets set file_size_limit = $1, allowed_mime_types = $2::text[], public = false
   where id = '${BUCKET}' and (file_size_limit, allowed_mime_types, public) is distinct from ($1::bigint, $2::text[], false)`;

/**
 * Files that were not sent within a day, and files of deleted users. Files outside of users' folders are left alone. A file
 * that is already scheduled for removal keeps its time.
 */
const QUEUE_ORPHANS = `
  insert into switchboard.file_removals (path, due_at)
  select object.name, now() from storage.objects object
   where pg_try_advisory_xact_lock(${ADVISORY_LOCKS.fileSweep})
     and object.bucket_id = '${BUCKET}' and object.name ~ '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/.'
     and (object.created_at < now() - interval '1 day'
          or not exists (select from auth.users where id::text = left(object.name, 36)))
     and not exists (select from switchboard.message_files file where file.path = object.name)
     and not exists (select from switchboard.file_removals removal where removal.path = object.name)
   limit $1
  on conflict (path) do nothing`;

/**
 * Takes due files for one instance. They become due again after ten minutes, in case that instance does not finish. A file
 * that a message names is no longer due.
 */
const TAKE_REMOVALS = `
  with due as (
    select path, exists (select from switchboard.message_files file where file.path = removal.path) as used
      from switchboard.file_removals removal
     where due_at <= now() order by due_at limit $1 for update skip locked
  ), kept as (
    delete from switchboard.file_removals removal using due where removal.path = due.path and due.used
  )
  update switchboard.file_removals removal set due_at = now() + interval '10 minutes'
    from due where removal.path = due.path and not due.used
  returning removal.path`;

/** Keeps files until the message that names them is stored. */
const POSTPONE_REMOVALS = `
  update switchboard.file_removals set due_at = greatest(due_at, now() + interval '1 day') where path = any($1::text[])`;

const END_REMOVALS = `delete from switchboard.file_removals where path = any($1::text[])`;

/** Supabase Storage keeps its metadata in the database. It is only read here; only the storage server writes it. */
@Injectable()
export class FilesRepository {
  constructor(private readonly database: Database) {}

  /** Whether the database has Supabase Storage and users may read their files in it. */
  async isReadable(): Promise<boolean> {
    const rows = await this.database.asService((manager) =>
      manager.query<Array<{ readable: boolean }>>(IS_READABLE),
    );
    return rows[0]?.readable === true;
  }

  /** The newest first. It has one more than `limit` if there are more. */
  findPage(
    statements: SqlRunner,
    { userId, after, limit }: { userId: string; after?: Keyset; limit: number },
  ): Promise<FileRow[]> {
    const place = after ? [after.at, after.id] : [];
    return statements.query<FileRow[]>(findPage(after), [`${userId}/%`, limit, ...place]);
  }

  /** The user's files at these paths. The policies of storage hide the files of other users. */
  find(identity: Identity, paths: string[]): Promise<FileRow[]> {
    return this.database.readAsUser(identity, (statements) => statements.query<FileRow[]>(FIND, [paths]));
  }

  async limitBucket(bytes: number, types: string[]): Promise<void> {
    await this.database.executeAsService([{ text: LIMIT_BUCKET, parameters: [bytes, types] }]);
  }

  async findAllOf(userId: string, limit: number): Promise<string[]> {
    const rows = await this.database.asService((manager) =>
      manager.query<Array<{ path: string }>>(FIND_ALL_OF, [`${userId}/%`, limit]),
    );
    return rows.map(({ path }) => path);
  }

  /** Runs on one instance at a time. */
  async queueOrphans(limit: number): Promise<void> {
    await this.database.executeAsService([{ text: QUEUE_ORPHANS, parameters: [limit] }]);
  }

  async takeRemovals(limit: number): Promise<string[]> {
    const [rows] = await this.database.executeAsService([{ text: TAKE_REMOVALS, parameters: [limit] }]);
    return (rows as Array<{ path: string }>).map(({ path }) => path);
  }

  async postponeRemovals(paths: string[]): Promise<void> {
    await this.database.executeAsService([{ text: POSTPONE_REMOVALS, parameters: [paths] }]);
  }

  async endRemovals(paths: string[]): Promise<void> {
    await this.database.executeAsService([{ text: END_REMOVALS, parameters: [paths] }]);
  }
}
