import type { MigrationInterface, QueryRunner } from 'typeorm';
import { ACTIVE_USER_ID } from './functions/active_user_id.js';
import { COPIED_PART } from './functions/copied_part.js';
import { COPIED_PARTS } from './functions/copied_parts.js';
import { ID_NAMESPACE } from './functions/id_namespace.js';
import { IS_ACTIVE_ADMIN } from './functions/is_active_admin.js';
import { IS_ADMIN as IS_ADMIN_FUNCTION } from './functions/is_admin.js';
import { PUBLIC_CHAT } from './functions/public_chat.js';
import { PUBLIC_CHAT_MESSAGES } from './functions/public_chat_messages.js';
import { PUBLIC_METADATA } from './functions/public_metadata.js';
import { USER_ID } from './functions/user_id.js';
import { createFunctions, dropFunctions } from './sql-functions.js';

/** Tables that the server writes for a user. Row level security decides on the rows. */
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
 * What users may write themselves through Supabase's Data API, past the server: only what is harmless. The server
 * writes messages, streams, figures, times, documents and the configuration.
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
  /** If absent, only the service writes. */
  write?: string;
  /** The condition for a new or changed row, if it is stricter than `write`. */
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

/** A function that calls another one is created after it. */
const FUNCTIONS = [
  ACTIVE_USER_ID,
  IS_ACTIVE_ADMIN,
  USER_ID,
  IS_ADMIN_FUNCTION,
  PUBLIC_METADATA,
  PUBLIC_CHAT,
  PUBLIC_CHAT_MESSAGES,
  COPIED_PART,
  COPIED_PARTS,
  ID_NAMESPACE,
];

/** Only the server reads and writes these tables. */
const CLOSED = ['switchboard.tool_approvals', 'switchboard.client_id_secret'];

/** The rows that users may see and change: the policies, one for each table and action, and the grants. */
export class Access1764000000003 implements MigrationInterface {
  async up(runner: QueryRunner): Promise<void> {
    await createFunctions(runner, FUNCTIONS);
    for (const rules of RULES) await runner.query(policiesOf(rules));
    for (const table of CLOSED) await runner.query(`alter table ${table} enable row level security`);
    await runner.query(`
      revoke all on ${[...ALL, ...CLOSED].join(', ')} from public, anon, authenticated;
      grant select on ${ALL.join(', ')} to authenticated;
      grant insert, update, delete on ${WRITABLE.join(', ')} to switchboard_user;
      grant all on ${ALL.join(', ')} to service_role`);
    await runner.query(DATA_API_GRANTS);
  }

  async down(runner: QueryRunner): Promise<void> {
    // This comes first: without row level security, grants would apply to everyone's rows.
    await runner.query(`
      revoke all on ${ALL.join(', ')} from authenticated, switchboard_user, service_role;
      revoke all (title, visibility) on chat from authenticated`);
    for (const { table } of RULES) {
      for (const action of ['select', 'insert', 'update', 'delete']) {
        await runner.query(`drop policy if exists ${nameOf(table, action)} on public.${table}`);
      }
      await runner.query(`alter table public.${table} disable row level security`);
    }
    for (const table of CLOSED) await runner.query(`alter table ${table} disable row level security`);
    await dropFunctions(runner, FUNCTIONS);
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
