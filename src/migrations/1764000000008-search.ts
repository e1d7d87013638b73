import type { MigrationInterface, QueryRunner } from 'typeorm';
import { FORGET_SEARCHABLE } from './functions/forget_searchable.js';
import { NOTE_SEARCHABLE } from './functions/note_searchable.js';
import { createFunctions, dropFunctions } from './sql-functions.js';

const FUNCTIONS = [NOTE_SEARCHABLE, FORGET_SEARCHABLE];

/**
 * The search index of chats, which needs no extension and no locale. Triggers note what is new or changed; the server's
 * indexer folds it into groups when a user has a few hundred notes. A search reads the groups, and looks at what is
 * noted itself, so it misses nothing at any time.
 *
 * Nothing is indexed here: messages that are there already are only marked, a row for each user, and the indexer takes them
 * in while the server runs. Until then a search reads all messages of that user. The triggers lock the tables for as
 * long as it takes to make them.
 */
export class Search1764000000008 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(ACCESS);
    await createFunctions(runner, FUNCTIONS);
    // From here on other writers wait.
    await runner.query(TRIGGERS);
    await runner.query(PRESENT_USERS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop trigger chat_search_deleted on public.chat;
      drop trigger chat_search_title on public.chat;
      drop trigger chat_search_added on public.chat;
      drop trigger message_search_changed on public."Message_v2";
      drop trigger message_search_added on public."Message_v2";
      drop table switchboard.search_due, switchboard.search_groups, switchboard.search_pending`);
    await dropFunctions(runner, FUNCTIONS);
  }
}

/**
 * A note has no foreign key: that would be a lock for each message. It goes with its chat. The note of a title has the id
 * of its chat in place of a message's, and comes before all of them.
 *
 * A group has up to 1,024 segments, each a few thousand characters of neighboring messages of one chat. Its matrix has 8,192 rows, one for each
 * value of a hash of one, two or three characters, with a bit for each segment. It is not compressed, so that a
 * search reads only the rows that it needs.
 */
const TABLES = `
  create table switchboard.search_pending (
    user_id uuid not null,
    chat_id uuid not null,
    at timestamptz(3) not null,
    message_id uuid not null,
    primary key (user_id, chat_id, at, message_id)
  );

  create table switchboard.search_groups (
    user_id uuid not null references auth.users (id) on delete cascade,
    number integer not null,
    width integer not null,
    matrix bytea not null,
    chat_ids uuid[] not null,
    from_at timestamptz(3)[] not null,
    to_at timestamptz(3)[] not null,
    primary key (user_id, number)
  );
  alter table switchboard.search_groups alter column matrix set storage external;

  create table switchboard.search_due (
    user_id uuid primary key references auth.users (id) on delete cascade,
    is_whole boolean not null default false,
    has_deleted boolean not null default false
  )`;

const ALL = ['search_pending', 'search_groups', 'search_due'];

/** Only the server searches by these; the Data API has no use for them. */
const ACCESS = `
  ${ALL.map(
    (table) => `
  alter table switchboard.${table} enable row level security;
  revoke all on switchboard.${table} from public, anon, authenticated;
  grant select on switchboard.${table} to switchboard_user;
  create policy ${table}_select on switchboard.${table} for select to authenticated
    using (user_id = (select switchboard.user_id()));`,
  ).join('')}`;

const TRIGGERS = `
  create trigger message_search_added after insert on public."Message_v2"
    referencing new table as added for each statement execute function switchboard.note_searchable();
  create trigger message_search_changed after update of parts, "chatId" on public."Message_v2"
    for each row when (old.status <> 'streaming' or old."chatId" <> new."chatId")
    execute function switchboard.note_searchable();
  create trigger chat_search_added after insert on public.chat
    for each row execute function switchboard.note_searchable();
  create trigger chat_search_title after update of title on public.chat
    for each row when (old.title <> new.title) execute function switchboard.note_searchable();
  create trigger chat_search_deleted after delete on public.chat
    referencing old table as removed for each statement execute function switchboard.forget_searchable()`;

/** Of each user, all that is there is yet to be indexed. */
const PRESENT_USERS = `
  insert into switchboard.search_due (user_id, is_whole) select distinct user_id, true from public.chat`;
