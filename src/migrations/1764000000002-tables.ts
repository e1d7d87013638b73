import type { MigrationInterface, QueryRunner } from 'typeorm';
import { CHECK_STREAM_MESSAGE } from './functions/check_stream_message.js';
import { COUNT_CONFIG_VERSION } from './functions/count_config_version.js';
import { IS_STORABLE_JSON, IS_STORABLE_JSONB } from './functions/is_storable.js';
import { PLACE_DOCUMENT_VERSION } from './functions/place_document_version.js';
import { TOUCH_UPDATED_AT } from './functions/touch_updated_at.js';
import { areCosts, areCounts, areSane, isOneOf, isStorable } from './row-bounds.js';
import { createFunctions, dropFunctions } from './sql-functions.js';

const USED_BY_CHECKS = [IS_STORABLE_JSONB, IS_STORABLE_JSON];
const USED_BY_TRIGGERS = [
  TOUCH_UPDATED_AT,
  COUNT_CONFIG_VERSION,
  PLACE_DOCUMENT_VERSION,
  CHECK_STREAM_MESSAGE,
];

/** The tables of chats, documents and the configuration, with their keys, cascades, checks, indexes and triggers. */
export class Tables1764000000002 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createFunctions(runner, USED_BY_CHECKS);
    for (const statements of [
      CHAT,
      MESSAGES,
      DOCUMENTS,
      ADMIN_CONFIG,
      USAGE,
      RATE_LIMIT,
      GITHUB,
      APPROVALS,
      CLIENT_IDS,
    ]) {
      await runner.query(statements);
    }
    await createFunctions(runner, USED_BY_TRIGGERS);
    await runner.query(TRIGGERS);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop table switchboard.client_id_secret, switchboard.tool_approvals, github_repositories, rate_limit_tracking,
                 usage_logs, admin_config, "Suggestion", "Document", "Stream", "Vote_v2", "Message_v2", chat`);
    await dropFunctions(runner, [...USED_BY_TRIGGERS, ...USED_BY_CHECKS]);
  }
}

const MEGABYTE = 1024 ** 2;

const CHAT = `
  create table chat (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    title text not null default 'New chat' check (char_length(title) <= 2000),
    "createdAt" timestamptz(3) not null default now(),
    visibility varchar(16) not null default 'private' ${isOneOf('visibility', ['public', 'private'])},
    "lastContext" jsonb ${isStorable('"lastContext"', MEGABYTE)},
    total_input_tokens integer not null default 0,
    total_output_tokens integer not null default 0,
    total_cost numeric(10, 6) not null default 0 ${areCosts('total_cost')},
    updated_at timestamptz(3) not null default now(),
    constraint chat_times_check ${areSane('"createdAt"', 'updated_at')},
    constraint chat_total_tokens_check ${areCounts('total_input_tokens', 'total_output_tokens')}
  );
  create index idx_chat_user_created on chat (user_id, "createdAt" desc);
  create index idx_chat_created on chat ("createdAt" desc, id desc)`;

const MESSAGES = `
  create table "Message_v2" (
    id uuid primary key default gen_random_uuid(),
    "chatId" uuid not null references chat (id) on delete cascade,
    role varchar(16) not null ${isOneOf('role', ['user', 'assistant', 'system', 'tool'])},
    parts json not null ${isStorable('parts', 64 * MEGABYTE)},
    attachments json not null default '[]' ${isStorable('attachments', 64 * MEGABYTE)},
    "createdAt" timestamptz(3) not null default now() ${areSane('"createdAt"')},
    model_used varchar(200),
    input_tokens integer not null default 0,
    output_tokens integer not null default 0,
    cost numeric(10, 6) not null default 0 ${areCosts('cost')},
    status varchar(16) not null default 'complete'
      ${isOneOf('status', ['complete', 'streaming', 'stopped', 'interrupted', 'failed'])},
    metadata jsonb ${isStorable('metadata', MEGABYTE)},
    finish_reason varchar(16)
      ${isOneOf('finish_reason', ['stop', 'length', 'content-filter', 'tool-calls', 'error'])},
    constraint "Message_v2_tokens_check" ${areCounts('input_tokens', 'output_tokens')}
  );
  create index idx_message_chat on "Message_v2" ("chatId", "createdAt" asc);
  create index idx_message_streaming on "Message_v2" (id) where status = 'streaming';

  create table "Vote_v2" (
    "chatId" uuid not null references chat (id) on delete cascade,
    "messageId" uuid not null references "Message_v2" (id) on delete cascade,
    "isUpvoted" boolean not null,
    primary key ("chatId", "messageId")
  );
  create index idx_vote_message on "Vote_v2" ("messageId");

  create table "Stream" (
    id uuid primary key default gen_random_uuid(),
    "chatId" uuid not null references chat (id) on delete cascade,
    "createdAt" timestamptz(3) not null default now() ${areSane('"createdAt"')},
    "messageId" uuid references "Message_v2" (id) on delete cascade,
    "instanceId" integer
  );
  create index idx_stream_chat on "Stream" ("chatId", "createdAt" desc);
  create index idx_stream_message on "Stream" ("messageId")`;

const DOCUMENTS = `
  create table "Document" (
    id uuid not null default gen_random_uuid(),
    "createdAt" timestamptz(3) not null default now() ${areSane('"createdAt"')},
    user_id uuid not null references auth.users (id) on delete cascade,
    title text not null check (char_length(title) <= 2000),
    content text check (octet_length(content) <= ${32 * MEGABYTE}),
    kind varchar(16) not null default 'text' ${isOneOf('kind', ['text', 'code', 'image', 'sheet'])},
    primary key (id, "createdAt")
  );
  create index idx_document_user on "Document" (user_id, "createdAt" desc);

  create table "Suggestion" (
    id uuid primary key default gen_random_uuid(),
    "documentId" uuid not null,
    "documentCreatedAt" timestamptz(3) not null,
    user_id uuid not null references auth.users (id) on delete cascade,
    "originalText" text not null check (octet_length("originalText") <= ${32 * MEGABYTE}),
    "suggestedText" text not null check (octet_length("suggestedText") <= ${32 * MEGABYTE}),
    description text check (octet_length(description) <= ${MEGABYTE}),
    "isResolved" boolean not null default false,
    "createdAt" timestamptz(3) not null default now() ${areSane('"createdAt"')},
    foreign key ("documentId", "documentCreatedAt") references "Document" (id, "createdAt") on delete cascade
  );
  create index idx_suggestion_document on "Suggestion" ("documentId", "documentCreatedAt");
  create index idx_suggestion_user on "Suggestion" (user_id)`;

const ADMIN_CONFIG = `
  create table admin_config (
    id uuid primary key default gen_random_uuid(),
    config_key varchar(128) not null unique,
    config_data jsonb not null ${isStorable('config_data', 4 * MEGABYTE)},
    updated_by uuid references auth.users (id) on delete set null,
    updated_at timestamptz(3) not null default now() ${areSane('updated_at')},
    created_at timestamptz(3) not null default now() ${areSane('created_at')},
    version integer not null default 1
  );
  create index idx_admin_config_key on admin_config (config_key);
  create index idx_admin_config_updated_by on admin_config (updated_by)`;

const AGENT_TYPE = isOneOf('agent_type', ['routing', 'chat', 'artifact', 'git_mcp']);

const USAGE = `
  create table usage_logs (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    chat_id uuid references chat (id) on delete set null,
    agent_type varchar(16) not null ${AGENT_TYPE},
    model_used varchar(200) not null,
    provider varchar(64) not null,
    input_tokens integer not null default 0,
    output_tokens integer not null default 0,
    total_tokens integer not null default 0,
    input_cost numeric(10, 6) not null default 0,
    output_cost numeric(10, 6) not null default 0,
    total_cost numeric(10, 6) not null default 0,
    request_timestamp timestamptz(3) not null default now(),
    response_timestamp timestamptz(3),
    duration_ms integer,
    metadata jsonb ${isStorable('metadata', MEGABYTE)},
    constraint usage_logs_figures_check ${areCounts('input_tokens', 'output_tokens', 'total_tokens', 'duration_ms')},
    constraint usage_logs_costs_check ${areCosts('input_cost', 'output_cost', 'total_cost')},
    constraint usage_logs_times_check ${areSane('request_timestamp', 'response_timestamp')}
  );
  create index idx_usage_logs_user_timestamp on usage_logs (user_id, request_timestamp desc);
  create index idx_usage_logs_agent_timestamp on usage_logs (agent_type, request_timestamp desc);
  create index idx_usage_logs_date_range on usage_logs (request_timestamp);
  create index idx_usage_logs_chat on usage_logs (chat_id);
  create index idx_usage_logs_open on usage_logs (request_timestamp) where response_timestamp is null`;

const RATE_LIMIT = `
  create table rate_limit_tracking (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    agent_type varchar(16) not null ${AGENT_TYPE},
    period_start timestamptz(3) not null,
    period_end timestamptz(3) not null,
    request_count integer not null default 0,
    limit_type varchar(16) not null ${isOneOf('limit_type', ['hourly', 'daily'])},
    limit_value integer not null,
    created_at timestamptz(3) not null default now(),
    constraint rate_limit_tracking_times_check ${areSane('period_start', 'period_end', 'created_at')},
    constraint rate_limit_tracking_counts_check ${areCounts('request_count', 'limit_value')},
    unique (user_id, agent_type, limit_type, period_start)
  );
  create index idx_rate_limit_user_agent on rate_limit_tracking (user_id, agent_type, period_start)`;

const GITHUB = `
  create table github_repositories (
    id uuid primary key default gen_random_uuid(),
    user_id uuid not null references auth.users (id) on delete cascade,
    repo_owner varchar(255) not null,
    repo_name varchar(255) not null,
    repo_url text not null check (char_length(repo_url) <= 2000),
    default_branch varchar(255) not null default 'main',
    is_active boolean not null default true,
    last_accessed timestamptz(3) ${areSane('last_accessed')},
    created_at timestamptz(3) not null default now() ${areSane('created_at')}
  );
  create index idx_github_repos_user on github_repositories (user_id, is_active);
  create unique index idx_github_repos_unique on github_repositories (user_id, lower(repo_owner), lower(repo_name))`;

/**
 * The tool calls that the server has asked users to approve. A row is written with the end of the answer that asks, and
 * deleted by the request that approves or denies the call. The owner of a message may have written everything in the
 * message, so only a row in this table makes a call wait for approval. It is deleted with its message, which is deleted
 * with its chat and user. A foreign key to those would only add a lock.
 */
const APPROVALS = `
  create table switchboard.tool_approvals (
    message_id uuid not null references public."Message_v2" (id) on delete cascade,
    approval_id varchar(200) not null,
    chat_id uuid not null,
    user_id uuid not null,
    tool_call_id varchar(200) not null,
    tool_name varchar(200) not null,
    call_hash char(64) not null,
    answer jsonb not null,
    created_at timestamptz(3) not null default now(),
    primary key (message_id, approval_id)
  )`;

/**
 * The secret for mapping client ids. It never changes: with a different secret, each client id would map to a different
 * row.
 */
const CLIENT_IDS = `
  create table switchboard.client_id_secret (
    id boolean primary key default true check (id),
    secret bytea not null
  );
  -- Two random UUIDs have 244 random bits, and need no extension.
  insert into switchboard.client_id_secret (secret)
  values (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())))`;

/**
 * A stream's check is not a policy: the message may come from the same statement, and only a trigger after it sees
 * that.
 */
const TRIGGERS = `
  create trigger chat_updated_at before update on public.chat
    for each row execute function switchboard.touch_updated_at();
  create trigger admin_config_updated_at before update on public.admin_config
    for each row execute function switchboard.touch_updated_at();
  create trigger admin_config_version before update on public.admin_config
    for each row execute function switchboard.count_config_version();
  create trigger document_version before insert on public."Document"
    for each row execute function switchboard.place_document_version();
  create trigger document_moved before update on public."Document"
    for each row when (new.id <> old.id) execute function switchboard.place_document_version();
  create trigger stream_message after insert or update on public."Stream"
    for each row when (new."messageId" is not null) execute function switchboard.check_stream_message()`;
