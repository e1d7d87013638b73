import type { MigrationInterface, QueryRunner } from 'typeorm';

/** Tables that the server writes for a user; row level security decides on the rows. */
const WRITABLE = [
  'chat',
  '"Message_v2"',
  '"Vote_v2"',
  '"Stream"',
  '"Document"',
  '"Suggestion"',
  'admin_config',
  'github_repositories',
];
const READABLE = ['usage_logs', 'rate_limit_tracking'];
const ALL = [...WRITABLE, ...READABLE];

/**
 * What users write themselves, past the server, through Supabase's Data API: only what can do no harm. Messages, streams,
 * figures, times, documents and the configuration are written by the server.
 */
const DATA_API_GRANTS = `
  grant update (title, visibility), delete on chat to authenticated;
  grant insert, update, delete on "Vote_v2" to authenticated;
  grant delete on "Document", "Suggestion", github_repositories to authenticated`;

const UID = '(select switchboard.user_id())';
const IS_ADMIN = '(select switchboard.is_admin())';
const OWN = `user_id = ${UID}`;
const ownChat = (table: string) =>
  `exists (select 1 from public.chat where chat.id = ${table}."chatId" and chat.user_id = ${UID})`;
const VOTE_IN_ITS_CHAT = `exists (
  select 1 from public."Message_v2" message where message.id = "Vote_v2"."messageId" and message."chatId" = "Vote_v2"."chatId")`;
const OWN_DOCUMENT = `exists (
  select 1 from public."Document" document
   where document.id = "Suggestion"."documentId" and document."createdAt" = "Suggestion"."documentCreatedAt"
     and document.user_id = ${UID})`;

interface Rules {
  table: string;
  select: string;
  /** Absent: nobody writes but the service. */
  write?: string;
  /** What a new or changed row must fulfil, when it is more than `write`. */
  check?: string;
}

const RULES: Rules[] = [
  { table: 'chat', select: `${OWN} or ${IS_ADMIN}`, write: OWN },
  { table: '"Message_v2"', select: ownChat('"Message_v2"'), write: ownChat('"Message_v2"') },
  {
    table: '"Vote_v2"',
    select: ownChat('"Vote_v2"'),
    write: ownChat('"Vote_v2"'),
    check: `${ownChat('"Vote_v2"')} and ${VOTE_IN_ITS_CHAT}`,
  },
  { table: '"Stream"', select: ownChat('"Stream"'), write: ownChat('"Stream"') },
  { table: '"Document"', select: OWN, write: OWN },
  { table: '"Suggestion"', select: `${OWN} and ${OWN_DOCUMENT}`, write: `${OWN} and ${OWN_DOCUMENT}` },
  { table: 'admin_config', select: IS_ADMIN, write: IS_ADMIN },
  { table: 'usage_logs', select: `${OWN} or ${IS_ADMIN}` },
  { table: 'rate_limit_tracking', select: OWN },
  { table: 'github_repositories', select: OWN, write: OWN },
];

/** Who may see and change which rows: the policies of the schema's summary, one for each table and action. */
export class RowLevelSecurity1764000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await runner.query(FUNCTIONS);
    for (const rules of RULES) await runner.query(policiesOf(rules));
    await runner.query(`
      revoke all on ${ALL.join(', ')} from public, anon, authenticated;
      grant select on ${ALL.join(', ')} to authenticated;
      grant insert, update, delete on ${WRITABLE.join(', ')} to switchboard_user;
      grant all on ${ALL.join(', ')} to service_role`);
    await runner.query(DATA_API_GRANTS);
    await runner.query(PUBLIC_CHATS);
  }

  async down(runner: QueryRunner): Promise<void> {
    // First: without row level security, what was granted would be granted on everybody's rows.
    await runner.query(`
      revoke all on ${ALL.join(', ')} from authenticated, switchboard_user, service_role;
      revoke all (title, visibility) on chat from authenticated`);
    for (const { table } of RULES) {
      for (const action of ['select', 'insert', 'update', 'delete']) {
        await runner.query(`drop policy if exists ${nameOf(table, action)} on public.${table}`);
      }
      await runner.query(`alter table public.${table} disable row level security`);
    }
    await runner.query(`
      drop function switchboard.public_chat_messages(uuid);
      drop function switchboard.public_chat(uuid);
      drop function switchboard.is_admin();
      drop function switchboard.user_id();
      drop function switchboard.is_active_admin();
      drop function switchboard.active_user_id()`);
  }
}

function nameOf(table: string, action: string): string {
  return `"${table.replaceAll('"', '').toLowerCase()}_${action}"`;
}

function policiesOf({ table, select, write, check = write }: Rules): string {
  const on = `on public.${table}`;
  const statements = [
    `alter table public.${table} enable row level security`,
    `create policy ${nameOf(table, 'select')} ${on} for select to authenticated using (${select})`,
  ];
  if (write !== undefined) {
    statements.push(
      `create policy ${nameOf(table, 'insert')} ${on} for insert to authenticated with check (${check})`,
      `create policy ${nameOf(table, 'update')} ${on} for update to authenticated using (${write}) with check (${check})`,
      `create policy ${nameOf(table, 'delete')} ${on} for delete to authenticated using (${write})`,
    );
  }
  return statements.join(';\n');
}

/**
 * Who the user of the claims is, and whether they are an administrator. Claims of a token are up to an hour old, so for
 * `authenticated` both come from the user's row as it is now: nothing is left to a user who is gone, banned or deactivated.
 * The server has just read that row when it sets the claims, so its own role is spared a second look.
 */
const FUNCTIONS = `
  create function switchboard.active_user_id() returns uuid
    language sql stable security definer set search_path = '' as $fn$
    select users.id from auth.users
     where users.id = auth.uid() and users.deleted_at is null and not coalesce(users.banned_until > now(), false)
       and coalesce(users.raw_user_meta_data ->> 'isActive', 'true') <> 'false'
  $fn$;
  create function switchboard.is_active_admin() returns boolean
    language sql stable security definer set search_path = '' as $fn$
    select exists (
      select from auth.users
       where users.id = switchboard.active_user_id() and users.raw_user_meta_data ->> 'role' = 'admin')
  $fn$;
  create function switchboard.user_id() returns uuid language plpgsql stable set search_path = '' as $fn$
  begin
    return case when current_user = 'switchboard_user' then auth.uid() else switchboard.active_user_id() end;
  end $fn$;
  create function switchboard.is_admin() returns boolean language plpgsql stable set search_path = '' as $fn$
  begin
    if current_user = 'switchboard_user' then
      return coalesce(auth.jwt() -> 'user_metadata' ->> 'role' = 'admin', false);
    end if;
    return switchboard.is_active_admin();
  end $fn$;
  revoke all on function switchboard.active_user_id(), switchboard.is_active_admin(), switchboard.user_id(),
    switchboard.is_admin() from public;
  grant execute on function switchboard.active_user_id(), switchboard.is_active_admin(), switchboard.user_id(),
    switchboard.is_admin() to authenticated, service_role`;

/** A public chat can be read by its id, through the server only; nothing here or in a policy lists one. */
const PUBLIC_CHATS = `
  create function switchboard.public_chat(chat_id uuid) returns setof public.chat
    language sql stable security definer set search_path = '' as $fn$
    select chat.* from public.chat where chat.id = chat_id and chat.visibility = 'public'
  $fn$;
  create function switchboard.public_chat_messages(chat_id uuid) returns setof public."Message_v2"
    language sql stable security definer set search_path = '' as $fn$
    select message.* from public."Message_v2" message
      join public.chat on chat.id = message."chatId"
     where chat.id = chat_id and chat.visibility = 'public'
  $fn$;
  revoke all on function switchboard.public_chat(uuid), switchboard.public_chat_messages(uuid) from public;
  grant execute on function switchboard.public_chat(uuid), switchboard.public_chat_messages(uuid) to switchboard_user, service_role`;
