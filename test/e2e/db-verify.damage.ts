/** Changes to a migrated database, and every line that is then reported. */
export type Damage = [statements: string, differences: string[]];

const OWN = '(user_id = (SELECT switchboard.user_id() AS user_id))';

export const STRUCTURE: Damage[] = [
  [`drop table "Stream" cascade`, ['missing table Stream']],
  [
    `alter table "Suggestion" alter column "originalText" type varchar(200)`,
    ['column originalText of Suggestion is varchar(200), expected text'],
  ],
  [
    `alter table "Stream" alter column "createdAt" type timestamptz`,
    ['column createdAt of Stream is timestamptz, expected timestamptz(3)'],
  ],
  [
    `alter table "Document" alter column kind type varchar(8)`,
    ['column kind of Document is varchar(8), expected varchar(16)'],
  ],
  [
    `alter table usage_logs alter column total_cost type numeric(12, 2)`,
    ['column total_cost of usage_logs is numeric(12,2), expected numeric(10,6)'],
  ],
  [`alter table chat drop column "lastContext"`, ['missing column lastContext of chat']],
  [
    `alter table chat alter column title drop not null`,
    ['column title of chat is nullable, expected not null'],
  ],
  [
    `alter table "Document" alter column content set not null`,
    ['column content of Document is not null, expected nullable'],
  ],
  [
    `alter table chat alter column visibility set default 'public'`,
    [`column visibility of chat has 'public' as its default, expected 'private'`],
  ],
  [
    `alter table chat alter column "createdAt" drop default`,
    ['column createdAt of chat has nothing as its default, expected now()'],
  ],
  [
    `alter table "Vote_v2" drop constraint "Vote_v2_pkey"`,
    ['missing primary key (chatId, messageId) on Vote_v2'],
  ],
  [
    `alter table usage_logs drop constraint usage_logs_pkey, add primary key (id, request_timestamp)`,
    ['primary key of usage_logs is (id, request_timestamp), expected (id)'],
  ],
  [
    `alter table admin_config drop constraint admin_config_config_key_key`,
    ['missing unique (config_key) on admin_config'],
  ],
  [
    `alter table chat drop constraint chat_user_id_fkey`,
    ['missing foreign key (user_id) of chat to auth.users (id) on delete cascade'],
  ],
  [
    `alter table chat drop constraint chat_user_id_fkey, add foreign key (user_id) references auth.users (id)`,
    [
      'foreign key (user_id) of chat refers to auth.users (id) on delete no action, expected auth.users (id) on delete cascade',
    ],
  ],
  [
    `alter table usage_logs drop constraint usage_logs_chat_id_fkey,
       add foreign key (chat_id) references chat (id) on delete cascade`,
    [
      'foreign key (chat_id) of usage_logs refers to chat (id) on delete cascade, expected chat (id) on delete set null',
    ],
  ],
  [
    `alter table "Stream" disable trigger all; alter table "Stream" enable trigger user`,
    [
      'foreign key (chatId) of Stream refers to chat (id) on delete cascade not enforced, expected chat (id) on delete cascade',
      'foreign key (messageId) of Stream refers to Message_v2 (id) on delete cascade not enforced, expected Message_v2 (id) on delete cascade',
    ],
  ],
  [
    `alter table chat drop constraint chat_visibility_check`,
    ['missing check on visibility of chat: private, public'],
  ],
  [
    `alter table chat drop constraint chat_visibility_check,
       add check (visibility in ('public', 'private') or total_cost = 0)`,
    ['missing check on visibility of chat: private, public'],
  ],
  [
    `alter table "Document" drop constraint "Document_kind_check",
       add check (kind in ('text', 'code', 'image', 'sheet', 'film'))`,
    ['check on kind of Document allows code, film, image, sheet, text, expected code, image, sheet, text'],
  ],
  [`drop index idx_chat_user_created`, ['missing index idx_chat_user_created on chat']],
  [
    `drop index idx_chat_user_created; create index idx_chat_user_created on chat ("createdAt" desc, user_id)`,
    ['index idx_chat_user_created on chat is (createdAt desc, user_id), expected (user_id, createdAt desc)'],
  ],
  [
    `drop index idx_document_user; create index idx_document_user on "Document" (user_id, "createdAt")`,
    ['index idx_document_user on Document is (user_id, createdAt), expected (user_id, createdAt desc)'],
  ],
  [
    `update pg_index set indisvalid = false where indexrelid = 'idx_message_chat'::regclass`,
    ['index idx_message_chat on Message_v2is invalid: building it did not finish'],
  ],
  [`drop table switchboard.usage_rollups_hours`, ['missing table switchboard.usage_rollups_hours']],
  [
    `alter table switchboard.usage_pending alter column id drop identity`,
    ['column id of switchboard.usage_pending has nothing as its default, expected identity'],
  ],
  [
    `alter table switchboard.usage_user_rollups alter column total_cost type numeric(10, 6)`,
    ['column total_cost of switchboard.usage_user_rollups is numeric(10,6), expected numeric(20,6)'],
  ],
  [
    `alter table switchboard.usage_user_rollups drop constraint usage_user_rollups_pkey`,
    ['missing primary key (granularity, bucket, user_id) on switchboard.usage_user_rollups'],
  ],
  [
    `alter table switchboard.usage_rollups drop constraint usage_rollups_granularity_check,
       add check (granularity in (15, 60, 720, 1440))`,
    ['', '_days', '_hours', '_quarters'].map(
      (part) =>
        `check on granularity of switchboard.usage_rollups${part} allows 1440, 15, 60, 720, expected 1440, 15, 60`,
    ),
  ],
  [
    `alter table switchboard.usage_archive drop constraint usage_archive_user_id_fkey`,
    ['missing foreign key (user_id) of switchboard.usage_archive to auth.users (id) on delete cascade'],
  ],
  [
    `drop index switchboard.idx_usage_archive_bucket`,
    ['missing index idx_usage_archive_bucket on switchboard.usage_archive'],
  ],
  [
    `alter table switchboard.config_history drop constraint config_history_config_key_version_key`,
    ['missing unique (config_key, version) on switchboard.config_history'],
  ],
];

export const ACCESS: Damage[] = [
  [`alter table usage_logs disable row level security`, ['row level security is disabled on usage_logs']],
  [`drop policy chat_select on chat`, ['missing policy chat_select on chat']],
  [
    `alter policy document_select on "Document" using (true)`,
    [
      `policy document_select on Document is for select to authenticated using true, expected for select to authenticated using ${OWN}`,
    ],
  ],
  [
    `alter policy document_insert on "Document" to anon`,
    [
      `policy document_insert on Document is for insert to anon with check ${OWN}, expected for insert to authenticated with check ${OWN}`,
    ],
  ],
  [
    `alter policy chat_select on chat using (user_id = auth.uid() or (select switchboard.is_admin()))`,
    [
      `policy chat_select on chat is for select to authenticated using ((user_id = auth.uid()) OR (SELECT switchboard.is_admin() AS is_admin)), expected for select to authenticated using (${OWN} OR (SELECT switchboard.is_admin() AS is_admin))`,
    ],
  ],
  [
    `create policy everybody on chat for select to authenticated using (visibility = 'public')`,
    ['unexpected policy everybody on chat'],
  ],
  [`create policy everybody on chat using (true)`, ['unexpected policy everybody on chat']],
  [
    `grant insert on usage_logs to authenticated`,
    [
      'unexpected grant of insert on usage_logs to authenticated',
      'unexpected grant of insert on usage_logs to switchboard_user',
    ],
  ],
  [
    `grant update (request_count) on rate_limit_tracking to authenticated`,
    [
      'unexpected grant of update (request_count) on rate_limit_tracking to authenticated',
      'unexpected grant of update (request_count) on rate_limit_tracking to switchboard_user',
    ],
  ],
  [
    `grant truncate on chat to authenticated`,
    [
      'unexpected grant of truncate on chat to authenticated',
      'unexpected grant of truncate on chat to switchboard_user',
    ],
  ],
  [
    `grant update (total_cost) on chat to authenticated`,
    ['unexpected grant of update (total_cost) on chat to authenticated'],
  ],
  [
    `revoke update (title) on chat from authenticated`,
    ['missing grant of update (title) on chat to authenticated'],
  ],
  [`grant select on chat to anon`, ['unexpected grant of select on chat to anon']],
  [
    `revoke insert on "Message_v2" from switchboard_user`,
    ['missing grant of insert on Message_v2 to switchboard_user'],
  ],
  [
    `grant select on github_repositories to public`,
    ['unexpected grant of select on github_repositories to anon'],
  ],
  [`grant usage on schema switchboard to anon`, ['unexpected grant of usage on schema switchboard to anon']],
  [
    `revoke usage on schema switchboard from authenticated`,
    ['missing grant of usage on schema switchboard to authenticated'],
  ],
  [
    `alter table switchboard.usage_pending disable row level security`,
    ['row level security is disabled on switchboard.usage_pending'],
  ],
  [
    `drop policy usage_archive_select on switchboard.usage_archive`,
    ['missing policy usage_archive_select on switchboard.usage_archive'],
  ],
  [
    `alter policy usage_rollups_select on switchboard.usage_rollups using (true)`,
    [
      'policy usage_rollups_select on switchboard.usage_rollups is for select to authenticated using true, expected for select to authenticated using (SELECT switchboard.is_admin() AS is_admin)',
    ],
  ],
  [
    `grant select on switchboard.daily_spending to authenticated`,
    [
      'unexpected grant of select on switchboard.daily_spending to authenticated',
      'unexpected grant of select on switchboard.daily_spending to switchboard_user',
    ],
  ],
  [
    `grant insert on switchboard.audit_log to authenticated`,
    [
      'unexpected grant of insert on switchboard.audit_log to authenticated',
      'unexpected grant of insert on switchboard.audit_log to switchboard_user',
    ],
  ],
];

export const ROUTINES: Damage[] = [
  [
    `drop function switchboard.admit`,
    [
      'missing function switchboard.admit(text,uuid,uuid,character varying,integer,integer,numeric,numeric,numeric,numeric,numeric,interval,integer,uuid,jsonb)',
    ],
  ],
  [
    `alter table auth.users disable trigger switchboard_user_role`,
    ['trigger switchboard_user_role on auth.users is disabled'],
  ],
  [
    `alter table auth.users enable replica trigger switchboard_user_role`,
    ['trigger switchboard_user_role on auth.users is disabled'],
  ],
  [
    `drop trigger switchboard_user_role on auth.users`,
    ['missing trigger switchboard_user_role on auth.users'],
  ],
  [
    `drop trigger switchboard_user_role on auth.users;
     create trigger switchboard_user_role before insert on auth.users
       for each row execute function switchboard.guard_user_role()`,
    [
      'trigger switchboard_user_role on auth.users is BEFORE INSERT ON auth.users FOR EACH ROW EXECUTE FUNCTION switchboard.guard_user_role(), expected BEFORE INSERT OR UPDATE OF raw_user_meta_data, raw_app_meta_data ON auth.users FOR EACH ROW EXECUTE FUNCTION switchboard.guard_user_role()',
    ],
  ],
  [
    `alter function switchboard.guard_user_role() reset search_path`,
    ['function switchboard.guard_user_role() has no fixed search_path'],
  ],
  [
    `create function switchboard.another() returns integer language sql as 'select 1'`,
    ['function switchboard.another() has no fixed search_path'],
  ],
  [
    `alter function switchboard.public_chat(uuid) security invoker`,
    ['function switchboard.public_chat(uuid) is security invoker, expected security definer'],
  ],
  [
    `alter function switchboard.is_admin() security definer`,
    ['function switchboard.is_admin() is security definer, expected security invoker'],
  ],
  [
    `revoke execute on function switchboard.is_admin() from authenticated`,
    ['missing grant of execute on function switchboard.is_admin() to authenticated'],
  ],
  [
    `revoke execute on function switchboard.public_chat(uuid) from switchboard_user`,
    ['missing grant of execute on function switchboard.public_chat(uuid) to switchboard_user'],
  ],
  [
    `grant execute on function switchboard.public_chat(uuid) to authenticated`,
    ['unexpected grant of execute on function switchboard.public_chat(uuid) to authenticated'],
  ],
  [
    `create or replace function switchboard.is_admin() returns boolean
       language plpgsql stable set search_path = '' as 'begin return true; end'`,
    ['the body of function switchboard.is_admin() differs from its migration'],
  ],
  [`drop function switchboard.public_chat(uuid)`, ['missing function switchboard.public_chat(uuid)']],
  [
    `create function public.is_admin() returns boolean language sql as 'select true'`,
    ['function public.is_admin() is in a schema that the Data API exposes'],
  ],
];

const CALL = `'chat', 'p', 'm', 'success', 1, 2, 3, 5, 0.1, 0.2, 0.3`;

/** Changes that the triggers do not see. */
export const USAGE: Damage[] = [
  [`alter table usage_logs drop column metadata`, ['missing column metadata of usage_logs']],
  [
    `insert into auth.users (id) values (gen_random_uuid());
     alter table usage_logs disable trigger user;
     insert into usage_logs (user_id, agent_type, model_used, provider, request_timestamp, response_timestamp)
       select id, 'chat', 'm', 'p', moment, moment
         from auth.users, unnest('{2026-01-31T23:59:59Z, 2026-02-01T00:14Z, 2026-02-01T00:15Z}'::timestamptz[]) moment;
     alter table usage_logs enable trigger user`,
    [
      'switchboard.usage_rollups differ from the rows in 2 buckets of a day, the first is 2026-01-31T00:00Z; run usage:rebuild',
      'switchboard.usage_rollups differ from the rows in 2 buckets of an hour, the first is 2026-01-31T23:00Z; run usage:rebuild',
      'switchboard.usage_rollups differ from the rows in 3 buckets of a quarter hour, the first is 2026-01-31T23:45Z; run usage:rebuild',
      'switchboard.usage_user_kinds differ from the rows in 2 buckets of a day, the first is 2026-01-31; run usage:rebuild',
      'switchboard.usage_user_kinds differ from the rows in 2 buckets of a month, the first is 2026-01-01; run usage:rebuild',
      'switchboard.usage_user_rollups differ from the rows in 2 buckets of a day, the first is 2026-01-31; run usage:rebuild',
      'switchboard.usage_user_rollups differ from the rows in 2 buckets of a month, the first is 2026-01-01; run usage:rebuild',
    ],
  ],
  [
    `insert into switchboard.usage_rollups values (60, '2026-01-01T10:00Z', ${CALL})`,
    [
      'switchboard.usage_rollups differ from the rows in 1 bucket of an hour, the first is 2026-01-01T10:00Z; run usage:rebuild',
    ],
  ],
  [
    `insert into switchboard.usage_user_kinds values (gen_random_uuid(), 'day', '2026-01-01', ${CALL})`,
    [
      'switchboard.usage_user_kinds differ from the rows in 1 bucket of a day, the first is 2026-01-01; run usage:rebuild',
    ],
  ],
  [
    `insert into switchboard.usage_user_rollups
       values ('month', '2026-01-01', gen_random_uuid(), 0, 1, 0, 0, 0, 0, 0, 0)`,
    [
      'switchboard.usage_user_rollups differ from the rows in 1 bucket of a month, the first is 2026-01-01; run usage:rebuild',
    ],
  ],
  [
    `insert into auth.users (id) values (gen_random_uuid());
     insert into usage_logs (user_id, agent_type, model_used, provider, total_cost, request_timestamp, response_timestamp)
       select id, 'chat', 'm', 'p', 0.000001, '2026-01-31T10:00Z', now() from auth.users;
     select switchboard.fold_usage(10);
     update switchboard.usage_rollups set total_cost = 0 where granularity = 1440`,
    [
      'switchboard.usage_rollups differ from the rows in 1 bucket of a day, the first is 2026-01-31T00:00Z; run usage:rebuild',
    ],
  ],
];

export const CONTENT: Damage[] = [
  [
    `delete from admin_config where config_key in ('routing_agent', 'app_settings')`,
    ['missing configuration key app_settings', 'missing configuration key routing_agent'],
  ],
  [
    `delete from switchboard.migrations where name = 'Configuration1764000000006'`,
    ['pending migration Configuration1764000000006'],
  ],
  [`delete from switchboard.client_id_secret`, ['switchboard.client_id_secret has no secret']],
  [
    `grant select on switchboard.client_id_secret to authenticated;
     grant insert on switchboard.tool_approvals to authenticated`,
    [
      'unexpected grant of insert on switchboard.tool_approvals to authenticated',
      'unexpected grant of insert on switchboard.tool_approvals to switchboard_user',
      'unexpected grant of select on switchboard.client_id_secret to authenticated',
      'unexpected grant of select on switchboard.client_id_secret to switchboard_user',
    ],
  ],
  [
    `drop function switchboard.id_namespace(uuid); drop table switchboard.tool_approvals`,
    ['missing function switchboard.id_namespace(uuid)', 'missing table switchboard.tool_approvals'],
  ],
];

/** None of this is a difference. */
export const ADDITIONS = `
  create table extra (id integer primary key);
  alter table chat add column colour text default 'red', add column "extraId" integer references extra (id);
  create index idx_extra on chat (colour);
  alter table chat alter column visibility type varchar(64);
  alter table "Message_v2" alter column model_used type varchar;
  create function public.hello() returns integer language sql as 'select 1';
  create policy reporting on chat for select to pg_monitor using (true);
  insert into admin_config (config_key, config_data) values ('extra', '{}')`;
