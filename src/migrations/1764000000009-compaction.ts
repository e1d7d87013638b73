import type { MigrationInterface, QueryRunner } from 'typeorm';
import { COPY_SUMMARY } from './functions/copy_summary.js';
import { DROP_SUMMARIES } from './functions/drop_summaries.js';
import { DROP_SUMMARY } from './functions/drop_summary.js';
import { areCounts, areSane } from './row-bounds.js';
import { createFunctions, dropFunctions } from './sql-functions.js';

/** A function that calls another one is created after it. */
const FUNCTIONS = [DROP_SUMMARY, DROP_SUMMARIES, COPY_SUMMARY];

/**
 * Summaries of the older parts of long chats. Models get them in place of the messages, which stay as they are. Triggers
 * drop a summary when one of its messages is changed or deleted, whoever does that.
 */
export class Compaction1764000000009 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(TABLES);
    await runner.query(ACCESS);
    await createFunctions(runner, FUNCTIONS);
    await runner.query(TRIGGERS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop trigger message_summary_changed on public."Message_v2";
      drop trigger message_summary_deleted on public."Message_v2";
      drop table switchboard.compactions, switchboard.chat_summaries`);
    await dropFunctions(runner, FUNCTIONS.toReversed());
  }
}

/**
 * The summary is about all messages up to `through`. The position is no foreign key: that would lock the message while
 * the summary is stored.
 *
 * A row in `compactions` says that a summary is being written (`token` is set), or when the next attempt may be made. An
 * attempt whose instance is gone does not count.
 */
const TABLES = `
  create table switchboard.chat_summaries (
    chat_id uuid primary key references public.chat (id) on delete cascade,
    through_at timestamptz(3) not null ${areSane('through_at')},
    through_id uuid not null,
    content text not null check (octet_length(content) between 1 and 1048576),
    tokens integer not null,
    context_tokens integer not null,
    model varchar(200) not null,
    created_at timestamptz(3) not null default now(),
    updated_at timestamptz(3) not null default now(),
    ${areCounts('tokens', 'context_tokens')}
  );

  create table switchboard.compactions (
    chat_id uuid primary key references public.chat (id) on delete cascade,
    token uuid,
    instance_id integer,
    started_at timestamptz(3),
    through_at timestamptz(3),
    through_id uuid,
    failures integer not null default 0,
    retry_at timestamptz(3)
  )`;

const ACCESS = `
  alter table switchboard.chat_summaries enable row level security;
  alter table switchboard.compactions enable row level security;
  revoke all on switchboard.chat_summaries, switchboard.compactions from public, anon, authenticated;
  grant select on switchboard.chat_summaries to authenticated, service_role;
  create policy chat_summaries_select on switchboard.chat_summaries for select to authenticated
    using (exists (select 1 from public.chat
                    where chat.id = chat_summaries.chat_id and chat.user_id = (select switchboard.user_id())))`;

/** An answer that is being written is updated every second. No summary contains it, so the trigger skips it. */
const TRIGGERS = `
  create trigger message_summary_deleted after delete on public."Message_v2"
    referencing old table as removed for each statement execute function switchboard.drop_summaries();
  create trigger message_summary_changed after update of parts, role, "chatId", "createdAt", id on public."Message_v2"
    for each row when (old.status <> 'streaming') execute function switchboard.drop_summaries()`;
