import { Injectable } from '@nestjs/common';
import { Database } from '../../common/database/database.js';

/** A file in storage. */
export interface FileRow {
  bucket: string;
  path: string;
  /** In the format of the storage server. */
  metadata: unknown;
  createdAt: Date | null;
  updatedAt: Date | null;
}

const FIND_CREATED_AT = `select created_at as "createdAt" from auth.users where id = $1`;

/** If the database has no storage, or we may not read it, there are no files to list. */
const CAN_READ_FILES = `
  select has_schema_privilege(pg_namespace.oid, 'usage') and has_table_privilege(pg_class.oid, 'select') as can
    from pg_class join pg_namespace on pg_namespace.oid = relnamespace
   where nspname = 'storage' and relname = 'objects'`;

const FIND_FILES = `
  select bucket_id as bucket, name as path, metadata, created_at as "createdAt", updated_at as "updatedAt"
    from storage.objects
   where name like $1 and (bucket_id, name) > ($2, $3)
   order by bucket_id, name
   limit $4`;

/** Data of a user that is not in tables of ours. It is read as the service, so each statement filters by the user. */
@Injectable()
export class AccountExportRepository {
  constructor(private readonly database: Database) {}

  /** When the user signed up. Null if the auth server does not report it. */
  async findCreatedAt(userId: string): Promise<Date | null> {
    const rows = await this.database.asService((manager) =>
      manager.query<Array<{ createdAt: Date | null }>>(FIND_CREATED_AT, [userId]),
    );
    return rows[0]?.createdAt ?? null;
  }

  async canReadFiles(): Promise<boolean> {
    const rows = await this.database.asService((manager) =>
      manager.query<Array<{ can: boolean }>>(CAN_READ_FILES),
    );
    return rows[0]?.can === true;
  }

  /** The files in the folders named by the user's id, in all buckets. At most `limit`. */
  findFiles(
    userId: string,
    { after, limit }: { after?: Pick<FileRow, 'bucket' | 'path'>; limit: number },
  ): Promise<FileRow[]> {
    return this.database.asService((manager) =>
      manager.query<FileRow[]>(FIND_FILES, [`${userId}/%`, after?.bucket ?? '', after?.path ?? '', limit]),
    );
  }
}
