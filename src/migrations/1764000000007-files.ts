import type { MigrationInterface, QueryRunner } from 'typeorm';
import { KEEP_MESSAGE_FILES } from './functions/keep_message_files.js';
import { RELEASE_MESSAGE_FILE } from './functions/release_message_file.js';
import { STORED_FILES } from './functions/stored_files.js';
import { WITHOUT_FILES } from './functions/without_files.js';
import { createFunctions, dropFunctions } from './sql-functions.js';

const FUNCTIONS = [STORED_FILES, KEEP_MESSAGE_FILES, RELEASE_MESSAGE_FILE, WITHOUT_FILES];

/**
 * Records which messages name which stored files, and which files to remove from storage. If the database has Supabase
 * Storage, it also creates the bucket for users' files and its policies.
 */
export class Files1764000000007 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await createFunctions(runner, FUNCTIONS);
    await runner.query(TRIGGERS);
    await runner.query(STORAGE);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(NO_POLICIES);
    await runner.query(`
      drop trigger message_files_changed on public."Message_v2";
      drop trigger message_files_kept on public."Message_v2";
      drop table switchboard.file_removals, switchboard.message_files`);
    await dropFunctions(runner, FUNCTIONS);
  }
}

const TABLES = `
  create table switchboard.message_files (
    message_id uuid not null references public."Message_v2" (id) on delete cascade,
    chat_id uuid not null,
    path text not null,
    primary key (message_id, path)
  );
  create index idx_message_files_path on switchboard.message_files (path);

  create table switchboard.file_removals (
    path text primary key,
    due_at timestamptz not null
  );
  create index idx_file_removals_due on switchboard.file_removals (due_at);

  alter table switchboard.message_files enable row level security;
  alter table switchboard.file_removals enable row level security;
  revoke all on switchboard.message_files, switchboard.file_removals from public, anon, authenticated`;

/** Only user messages name stored files. The triggers skip answers, which are updated every second. */
const TRIGGERS = `
  create trigger message_files_kept after insert on public."Message_v2"
    for each row when (new.role = 'user' and new.parts::text ~ '"type"\\s*:\\s*"file"')
    execute function switchboard.keep_message_files();
  create trigger message_files_changed after update of parts on public."Message_v2"
    for each row when (new.role = 'user') execute function switchboard.keep_message_files();
  create trigger message_files_released after delete on switchboard.message_files
    for each row execute function switchboard.release_message_file()`;

/**
 * A private bucket in which each user reads and writes below the folder named by their id. On hosted Supabase the role
 * `postgres` may do this, although storage belongs to another role. The server keeps the limits of the bucket as its own
 * configuration has them. Exported for tests, which add storage to a database that is migrated already.
 */
export const STORAGE = `
  do $do$
  declare
    own constant text := 'bucket_id = ''attachments'' and (storage.foldername(name))[1] = (select switchboard.user_id())::text';
  begin
    if to_regclass('storage.objects') is null or to_regclass('storage.buckets') is null
       or to_regprocedure('storage.foldername(text)') is null then return; end if;
    insert into storage.buckets (id, name, public, file_size_limit)
      values ('attachments', 'attachments', false, 20971520) on conflict (id) do nothing;
    execute format('create policy switchboard_attachments_select on storage.objects for select to authenticated using (%s)', own);
    execute format('create policy switchboard_attachments_insert on storage.objects for insert to authenticated with check (%s)', own);
    execute format('create policy switchboard_attachments_update on storage.objects for update to authenticated using (%s) with check (%s)', own, own);
    execute format('create policy switchboard_attachments_delete on storage.objects for delete to authenticated using (%s)', own);
  exception when insufficient_privilege then
    raise exception using
      errcode = 'insufficient_privilege',
      message = format('role %I cannot make the bucket "attachments" and its policies: %s', current_user, sqlerrm),
      hint = 'Migrate as the role postgres of your Supabase project.';
  end $do$`;

/** The bucket stays: it may hold files. */
const NO_POLICIES = `
  do $do$ begin
    if to_regclass('storage.objects') is null then return; end if;
    drop policy if exists switchboard_attachments_select on storage.objects;
    drop policy if exists switchboard_attachments_insert on storage.objects;
    drop policy if exists switchboard_attachments_update on storage.objects;
    drop policy if exists switchboard_attachments_delete on storage.objects;
  end $do$`;
