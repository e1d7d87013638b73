import type pg from 'pg';
import { type Caller, isService, userIdOf } from './caller.js';

/** The limits of a bucket. */
export interface BucketRow {
  public: boolean;
  /** In bytes. */
  sizeLimit: number | null;
  /** Media types, `image/*` among them; null takes any. */
  types: string[] | null;
}

/** A file, or a folder without an id. Names and times as clients receive them. */
export interface ListedRow {
  /** From the root of the bucket. A folder's ends in a slash. */
  path: string;
  id: string | null;
  updated_at: Date | null;
  created_at: Date | null;
  last_accessed_at: Date | null;
  metadata: unknown;
}

export interface Listing {
  bucket: string;
  /** What paths begin with. */
  prefix: string;
  /** Whether what lies in a folder below the prefix is listed as that folder. */
  byFolder: boolean;
  sortBy: 'name' | 'created_at' | 'updated_at' | 'last_accessed_at' | 'id';
  order: 'asc' | 'desc';
  limit: number;
  offset?: number;
}

const FIND_BUCKET = `
  select public, file_size_limit::float8 as "sizeLimit", allowed_mime_types as types
    from storage.buckets where id = $1`;

const FIND_EXISTING = `select name from storage.objects where bucket_id = $1 and name = any($2::text[])`;

/** `$3` says whether to list by folder. `starts_with` takes every character as it is, and `like` does not. */
const list = ({ sortBy, order }: Listing) => `
  select path, (array_agg(id))[1] as id, max(updated_at) as updated_at, max(created_at) as created_at,
         max(last_accessed_at) as last_accessed_at, (array_agg(metadata))[1] as metadata
    from (
      select case when folder then left(name, length($2) + position('/' in substr(name, length($2) + 1))) else name end as path,
             case when not folder then id end as id,
             case when not folder then updated_at end as updated_at,
             case when not folder then created_at end as created_at,
             case when not folder then last_accessed_at end as last_accessed_at,
             case when not folder then metadata end as metadata
        from storage.objects,
     lateral (select $3 and position('/' in substr(name, length($2) + 1)) > 0 as folder) kind
       where bucket_id = $1 and starts_with(name, $2)
    ) entries
   group by path
   order by ${sortBy === 'name' ? 'path' : sortBy === 'id' ? '(array_agg(id))[1]' : `max(${sortBy})`} ${order}, path ${order}
   limit $4 offset $5`;

/** Reads storage as the database role of the caller, so that policies apply. The library's own lists are wrong. */
export class StorageRepository {
  constructor(private readonly database: pg.Pool) {}

  /** Reads as the storage server itself, because the limits apply to every caller. */
  async findBucket(id: string): Promise<BucketRow | undefined> {
    const { rows } = await this.database.query<BucketRow>(FIND_BUCKET, [id]);
    return rows[0];
  }

  list(caller: Caller, listing: Listing): Promise<ListedRow[]> {
    const { bucket, prefix, byFolder, limit, offset = 0 } = listing;
    return this.asCaller<ListedRow>(caller, list(listing), [bucket, prefix, byFolder, limit, offset]);
  }

  /** The paths at which the caller may read a file. */
  async findExisting(caller: Caller, bucket: string, paths: string[]): Promise<Set<string>> {
    const rows = await this.asCaller<{ name: string }>(caller, FIND_EXISTING, [bucket, paths]);
    return new Set(rows.map(({ name }) => name));
  }

  private async asCaller<Row extends object>(
    caller: Caller,
    text: string,
    parameters: unknown[],
  ): Promise<Row[]> {
    const client = await this.database.connect();
    let failed = true;
    try {
      await client.query('begin read only');
      await client.query(
        `select set_config('request.jwt.claims', $1, true), set_config('request.jwt.claim.sub', $2, true),
                set_config('role', $3, true)`,
        [JSON.stringify(caller.claims ?? {}), userIdOf(caller) ?? '', roleOf(caller)],
      );
      const { rows } = await client.query<Row>(text, parameters);
      await client.query('commit');
      failed = false;
      return rows;
    } finally {
      client.release(failed);
    }
  }
}

function roleOf(caller: Caller): string {
  if (isService(caller)) return 'service_role';
  return userIdOf(caller) === undefined ? 'anon' : 'authenticated';
}
