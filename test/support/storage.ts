import { randomUUID } from 'node:crypto';
import { STORAGE } from '../../src/migrations/1764000000007-files.js';
import { StorageClient } from '../../src/modules/files/storage-client.js';
import type { TestApp } from './app.js';
import type { TestDatabase } from './postgres.js';

/** The parts of Supabase Storage in a database that are visible to others than its own server. */
export const STORAGE_SCHEMA = `
  create schema storage;
  grant usage on schema storage to anon, authenticated, service_role;
  create table storage.buckets (
    id text primary key, name text not null unique, owner uuid, public boolean default false, file_size_limit bigint,
    allowed_mime_types text[], created_at timestamptz default now(), updated_at timestamptz default now()
  );
  create table storage.objects (
    id uuid primary key default gen_random_uuid(), bucket_id text references storage.buckets (id), name text, owner uuid,
    created_at timestamptz default now(), updated_at timestamptz default now(), last_accessed_at timestamptz default now(),
    metadata jsonb, version text, unique (bucket_id, name)
  );
  alter table storage.buckets enable row level security;
  alter table storage.objects enable row level security;
  grant all on storage.buckets, storage.objects to anon, authenticated, service_role;
  create function storage.foldername(name text) returns text[] language sql immutable as $fn$
    select (string_to_array(name, '/'))[1:array_length(string_to_array(name, '/'), 1) - 1]
  $fn$`;

/** Adds storage, with the bucket and its policies, to a migrated database. */
export async function addStorage(database: Pick<TestDatabase, 'query'>): Promise<void> {
  await database.query(STORAGE_SCHEMA);
  await database.query(STORAGE);
}

/** A file in a user's folder. It only exists in the database. */
export async function insertFile(
  database: Pick<TestDatabase, 'query'>,
  userId: string,
  name = 'cat.png',
): Promise<string> {
  const path = `${userId}/${randomUUID()}/${name}`;
  await database.query(
    `insert into storage.objects (bucket_id, name, metadata)
     values ('attachments', $1, '{"size": 68, "mimetype": "image/png"}')`,
    [path],
  );
  return path;
}

/**
 * Gives a running application a storage server that accepts everything. Tests with it check who may reach the storage.
 * The embedded stack has a real storage server.
 */
export async function giveStorage(app: TestApp): Promise<void> {
  await addStorage(app.database);
  const url = 'https://storage.example.com';
  const takesAll: Partial<Record<keyof StorageClient, unknown>> = {
    signUpload: () => Promise.resolve({ token: 'token', signedUrl: `${url}/upload` }),
    signDownloads: (paths: string[]) =>
      Promise.resolve(new Map(paths.map((path) => [path, `${url}/signed`]))),
    remove: async (paths: string[]) => {
      await app.database.query('delete from storage.objects where name = any($1)', [paths]);
    },
  };
  const client = app.app.get(StorageClient);
  Object.assign(client, takesAll);
  Object.defineProperty(client, 'url', { value: url });
}
