import type { MigrationInterface, QueryRunner } from 'typeorm';

/**
 * What only the server may know: which calls it has asked its users to approve, and the secret from which the ids of their
 * clients are mapped. And what readers of a public chat, and copies of a message, are not told.
 */
export class ToolApprovals1764000000012 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    for (const statements of [APPROVALS, CLIENT_IDS, PUBLIC_CHATS, COPIES]) await runner.query(statements);
  }

  async down(runner: QueryRunner): Promise<void> {
    await runner.query(`
      drop function switchboard.copied_parts(json);
      drop function switchboard.copied_part(json)`);
    await runner.query(FORMER_PUBLIC_CHATS);
    await runner.query(`
      drop function switchboard.public_metadata(jsonb);
      drop function switchboard.id_namespace(uuid);
      drop table switchboard.client_id_secret, switchboard.tool_approvals`);
  }
}

/**
 * Written with the end of the answer that asks, taken away by the request that approves or denies. Everything that stands in
 * a message may have been written by its owner, so nothing but a row of this table makes a call wait for approval. It goes
 * with its message, which goes with its chat and user; a foreign key to those would only be one more lock.
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
  );
  alter table switchboard.tool_approvals enable row level security;
  revoke all on switchboard.tool_approvals from public, anon, authenticated`;

/**
 * Ids that clients make up are mapped into a namespace of their user that nobody else can compute, or an attacker would take
 * the ids of others before they do. The secret never changes: with another one, every such id would mean another row.
 */
const CLIENT_IDS = `
  create table switchboard.client_id_secret (
    id boolean primary key default true check (id),
    secret bytea not null
  );
  alter table switchboard.client_id_secret enable row level security;
  revoke all on switchboard.client_id_secret from public, anon, authenticated;
  -- Two random UUIDs hold 244 random bits, and need no extension.
  insert into switchboard.client_id_secret (secret)
  values (sha256(uuid_send(gen_random_uuid()) || uuid_send(gen_random_uuid())));

  create function switchboard.id_namespace(for_user uuid) returns uuid language sql stable set search_path = '' as $fn$
    -- With the version (8: of our own making) and the variant that say that it is one.
    select encode(set_byte(set_byte(bytes, 6, get_byte(bytes, 6) & 15 | 128), 8, get_byte(bytes, 8) & 63 | 128), 'hex')::uuid
      from switchboard.client_id_secret, substring(sha256(secret || uuid_send(for_user)) from 1 for 16) as bytes
  $fn$;
  revoke all on function switchboard.id_namespace(uuid) from public`;

/**
 * What an answer has cost is its owner's business. The functions return rows of the tables, so the figures are zero in them,
 * and the server says null.
 */
const PUBLIC_CHATS = `
  create function switchboard.public_metadata(metadata jsonb) returns jsonb
    language sql immutable set search_path = '' as $fn$
    select case when jsonb_typeof(metadata) = 'object' then (
             select jsonb_object_agg(key, value) from jsonb_each(metadata)
              where (key in ('agentType', 'model', 'finishReason', 'status', 'createdAt') and jsonb_typeof(value) = 'string')
                 or (key = 'error' and jsonb_typeof(value) = 'object'))
           end
  $fn$;
  revoke all on function switchboard.public_metadata(jsonb) from public;

  create or replace function switchboard.public_chat(chat_id uuid) returns setof public.chat
    language sql stable security definer set search_path = '' as $fn$
    select shown.*
      from public.chat,
           jsonb_populate_record(chat, '{"lastContext": null, "total_input_tokens": 0, "total_output_tokens": 0, "total_cost": 0}') shown
     where chat.id = chat_id and chat.visibility = 'public'
  $fn$;
  create or replace function switchboard.public_chat_messages(chat_id uuid) returns setof public."Message_v2"
    language sql stable security definer set search_path = '' as $fn$
    select shown.*
      from public."Message_v2" message
      join public.chat on chat.id = message."chatId",
           jsonb_populate_record(message, jsonb_build_object(
             'input_tokens', 0, 'output_tokens', 0, 'cost', 0,
             'metadata', switchboard.public_metadata(message.metadata))) shown
     where chat.id = chat_id and chat.visibility = 'public'
  $fn$`;

const FORMER_PUBLIC_CHATS = `
  create or replace function switchboard.public_chat(chat_id uuid) returns setof public.chat
    language sql stable security definer set search_path = '' as $fn$
    select chat.* from public.chat where chat.id = chat_id and chat.visibility = 'public'
  $fn$;
  create or replace function switchboard.public_chat_messages(chat_id uuid) returns setof public."Message_v2"
    language sql stable security definer set search_path = '' as $fn$
    select message.* from public."Message_v2" message
      join public.chat on chat.id = message."chatId"
     where chat.id = chat_id and chat.visibility = 'public'
  $fn$`;

/**
 * A copy holds what was said and the results of calls that are over. What still waits (for an approval, for its result) waits
 * in the original alone; a draft belongs to its document. A part that cannot be read costs only itself.
 */
const COPIES = `
  create function switchboard.copied_part(part json) returns json
    language plpgsql immutable set search_path = '' as $fn$
  declare
    type text;
    state text;
  begin
    -- Not above: what fails in a declaration is not caught below.
    type := part ->> 'type';
    state := part ->> 'state';
    if json_typeof(part) <> 'object' or type is null or type = 'data-draft' then return null; end if;
    if type in ('text', 'reasoning', 'file', 'reasoning-file', 'source-url', 'source-document', 'step-start')
       or type like 'data-%' then return part; end if;
    if type <> 'dynamic-tool' and type not like 'tool-%' then return null; end if;
    case state
      when 'output-available', 'output-error' then return (part::jsonb - 'approval')::json;
      when 'output-denied' then
        return ((part::jsonb - 'approval') || '{"state": "output-error", "errorText": "The call was denied."}')::json;
      else return null;
    end case;
  exception when others then
    return null;
  end $fn$;

  create function switchboard.copied_parts(parts json) returns json
    language plpgsql immutable set search_path = '' as $fn$
  begin
    return coalesce(
      (select json_agg(copy order by place)
         from (select switchboard.copied_part(part) as copy, place
                 from json_array_elements(parts) with ordinality element (part, place)) copies
        where copy is not null),
      '[]');
  exception when others then
    return '[]';
  end $fn$;

  revoke all on function switchboard.copied_part(json), switchboard.copied_parts(json) from public;
  grant execute on function switchboard.public_metadata(jsonb), switchboard.copied_part(json), switchboard.copied_parts(json)
    to switchboard_user, service_role`;
