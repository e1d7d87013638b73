/** Who may do what to a table. Expressions are as PostgreSQL prints them, with nothing on its search path. */
export interface ExpectedAccess {
  table: string;
  /** Which rows users may see. Absent: none, nor are they granted it. */
  read?: string;
  /** Which rows the server may add, change and delete for them. Absent: none, nor is it granted. */
  write?: string;
  /** What is granted to users themselves besides reading: privileges, some of them on named columns only. */
  dataApi?: Partial<Record<'insert' | 'update' | 'delete', 'all' | readonly string[]>>;
  /** What a new or changed row must fulfil, when it is more than `write`. */
  check?: string;
}

const UID = '( SELECT switchboard.user_id() AS user_id)';
const IS_ADMIN = '( SELECT switchboard.is_admin() AS is_admin)';
const OWN = `(user_id = ${UID})`;
const OWN_OR_ADMIN = `(${OWN} OR ${IS_ADMIN})`;
const inOwnChat = (table: string) =>
  `(EXISTS ( SELECT 1 FROM public.chat WHERE ((chat.id = "${table}"."chatId") AND (chat.user_id = ${UID}))))`;
const VOTE_IN_ITS_CHAT = `(EXISTS ( SELECT 1 FROM public."Message_v2" message
  WHERE ((message.id = "Vote_v2"."messageId") AND (message."chatId" = "Vote_v2"."chatId"))))`;
const IN_OWN_DOCUMENT = `(${OWN} AND (EXISTS ( SELECT 1 FROM public."Document" document
  WHERE ((document.id = "Suggestion"."documentId") AND (document."createdAt" = "Suggestion"."documentCreatedAt")
    AND (document.user_id = ${UID})))))`;

export const ACCESS: readonly ExpectedAccess[] = [
  {
    table: 'chat',
    read: OWN_OR_ADMIN,
    write: OWN,
    dataApi: { update: ['title', 'visibility'], delete: 'all' },
  },
  { table: 'Message_v2', read: inOwnChat('Message_v2'), write: inOwnChat('Message_v2') },
  {
    table: 'Vote_v2',
    read: inOwnChat('Vote_v2'),
    write: inOwnChat('Vote_v2'),
    check: `(${inOwnChat('Vote_v2')} AND ${VOTE_IN_ITS_CHAT})`,
    dataApi: { insert: 'all', update: 'all', delete: 'all' },
  },
  { table: 'Stream', read: inOwnChat('Stream'), write: inOwnChat('Stream') },
  { table: 'Document', read: OWN, write: OWN, dataApi: { delete: 'all' } },
  { table: 'Suggestion', read: IN_OWN_DOCUMENT, write: IN_OWN_DOCUMENT, dataApi: { delete: 'all' } },
  { table: 'admin_config', read: IS_ADMIN, write: IS_ADMIN },
  { table: 'usage_logs', read: OWN_OR_ADMIN },
  { table: 'rate_limit_tracking', read: OWN },
  { table: 'github_repositories', read: OWN, write: OWN, dataApi: { delete: 'all' } },
  { table: 'switchboard.config_schemas' },
  { table: 'switchboard.config_history', read: IS_ADMIN },
  { table: 'switchboard.audit_log', read: IS_ADMIN },
  { table: 'switchboard.daily_spending' },
  { table: 'switchboard.budget_reservations' },
  { table: 'switchboard.usage_rollups', read: IS_ADMIN },
  // Read through the table that they are parts of.
  { table: 'switchboard.usage_rollups_quarters' },
  { table: 'switchboard.usage_rollups_hours' },
  { table: 'switchboard.usage_rollups_days' },
  { table: 'switchboard.usage_user_rollups', read: OWN_OR_ADMIN },
  { table: 'switchboard.usage_user_kinds', read: OWN_OR_ADMIN },
  { table: 'switchboard.usage_pending', read: OWN_OR_ADMIN },
  { table: 'switchboard.usage_archive', read: OWN_OR_ADMIN },
  { table: 'switchboard.tool_approvals' },
  { table: 'switchboard.client_id_secret' },
];

export interface ExpectedTrigger {
  name: string;
  /** With its schema, as PostgreSQL prints it. */
  table: string;
  /** What follows the name in `CREATE TRIGGER`. */
  definition: string;
}

export const TRIGGERS: readonly ExpectedTrigger[] = [
  {
    name: 'switchboard_user_role',
    table: 'auth.users',
    definition:
      'BEFORE INSERT OR UPDATE OF raw_user_meta_data, raw_app_meta_data ON auth.users FOR EACH ROW EXECUTE FUNCTION switchboard.guard_user_role()',
  },
  {
    name: 'switchboard_user_changed',
    table: 'auth.users',
    definition:
      'AFTER DELETE OR UPDATE OF raw_user_meta_data, raw_app_meta_data, email, banned_until, deleted_at ON auth.users FOR EACH ROW EXECUTE FUNCTION switchboard.notify_user_changed()',
  },
  {
    name: 'switchboard_config_changed',
    table: 'public.admin_config',
    definition:
      'AFTER INSERT OR DELETE OR UPDATE ON public.admin_config FOR EACH ROW EXECUTE FUNCTION switchboard.notify_config_changed()',
  },
  {
    name: 'admin_config_version',
    table: 'public.admin_config',
    definition:
      'BEFORE UPDATE ON public.admin_config FOR EACH ROW EXECUTE FUNCTION switchboard.count_config_version()',
  },
  {
    name: 'admin_config_updated_at',
    table: 'public.admin_config',
    definition:
      'BEFORE UPDATE ON public.admin_config FOR EACH ROW EXECUTE FUNCTION switchboard.touch_updated_at()',
  },
  {
    name: 'admin_config_check',
    table: 'public.admin_config',
    definition:
      'BEFORE INSERT OR UPDATE ON public.admin_config FOR EACH ROW EXECUTE FUNCTION switchboard.check_config()',
  },
  {
    name: 'admin_config_history',
    table: 'public.admin_config',
    definition:
      'AFTER INSERT OR DELETE OR UPDATE ON public.admin_config FOR EACH ROW EXECUTE FUNCTION switchboard.record_config()',
  },
  {
    name: 'usage_added',
    table: 'public.usage_logs',
    definition:
      'AFTER INSERT ON public.usage_logs REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION switchboard.count_usage()',
  },
  {
    name: 'usage_changed',
    table: 'public.usage_logs',
    definition:
      'AFTER UPDATE ON public.usage_logs REFERENCING OLD TABLE AS removed NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION switchboard.count_usage()',
  },
  {
    name: 'usage_deleted',
    table: 'public.usage_logs',
    definition:
      'AFTER DELETE ON public.usage_logs REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION switchboard.count_usage()',
  },
  {
    name: 'usage_truncated',
    table: 'public.usage_logs',
    definition:
      'AFTER TRUNCATE ON public.usage_logs FOR EACH STATEMENT EXECUTE FUNCTION switchboard.count_usage()',
  },
  {
    name: 'usage_archive_deleted',
    table: 'switchboard.usage_archive',
    definition:
      'AFTER DELETE ON switchboard.usage_archive REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION switchboard.count_archived_usage()',
  },
  {
    name: 'usage_archive_truncated',
    table: 'switchboard.usage_archive',
    definition:
      'AFTER TRUNCATE ON switchboard.usage_archive FOR EACH STATEMENT EXECUTE FUNCTION switchboard.count_archived_usage()',
  },
  {
    name: 'chat_updated_at',
    table: 'public.chat',
    definition: 'BEFORE UPDATE ON public.chat FOR EACH ROW EXECUTE FUNCTION switchboard.touch_updated_at()',
  },
  {
    name: 'document_version',
    table: 'public."Document"',
    definition:
      'BEFORE INSERT ON public."Document" FOR EACH ROW EXECUTE FUNCTION switchboard.place_document_version()',
  },
  {
    name: 'document_moved',
    table: 'public."Document"',
    definition:
      'BEFORE UPDATE ON public."Document" FOR EACH ROW WHEN ((new.id <> old.id)) EXECUTE FUNCTION switchboard.place_document_version()',
  },
  {
    name: 'stream_message',
    table: 'public."Stream"',
    definition:
      'AFTER INSERT OR UPDATE ON public."Stream" FOR EACH ROW WHEN ((new."messageId" IS NOT NULL)) EXECUTE FUNCTION switchboard.check_stream_message()',
  },
];

export interface ExpectedFunction {
  signature: string;
  /** Runs with the rights of its owner. */
  securityDefiner?: true;
  /** Users' statements call it: a policy or a check does. */
  calledByUsers?: true;
  /** The server calls it for a user, and users themselves may not. */
  calledByServer?: true;
  /** On Supabase its own, and then it is as Supabase has made it. */
  ofSupabase?: true;
}

/** The roles of the API, and the one that the server takes to act for a user. */
export const ROLES = ['anon', 'authenticated', 'switchboard_user'] as const;

/** The schema of the helpers, which the Data API does not expose. */
export const HELPER_SCHEMA = 'switchboard';

export const FUNCTIONS: readonly ExpectedFunction[] = [
  { signature: 'auth.uid()', calledByUsers: true, ofSupabase: true },
  { signature: 'auth.jwt()', calledByUsers: true, ofSupabase: true },
  { signature: 'switchboard.user_id()', calledByUsers: true },
  { signature: 'switchboard.is_admin()', calledByUsers: true },
  { signature: 'switchboard.active_user_id()', securityDefiner: true, calledByUsers: true },
  { signature: 'switchboard.is_active_admin()', securityDefiner: true, calledByUsers: true },
  { signature: 'switchboard.is_storable(json,integer)', calledByUsers: true },
  { signature: 'switchboard.is_storable(jsonb,integer)', calledByUsers: true },
  { signature: 'switchboard.public_chat(uuid)', securityDefiner: true, calledByServer: true },
  { signature: 'switchboard.public_chat_messages(uuid)', securityDefiner: true, calledByServer: true },
  { signature: 'switchboard.public_metadata(jsonb)', calledByServer: true },
  { signature: 'switchboard.copied_part(json)', calledByServer: true },
  { signature: 'switchboard.copied_parts(json)', calledByServer: true },
  { signature: 'switchboard.id_namespace(uuid)' },
  { signature: 'switchboard.guard_user_role()' },
  { signature: 'switchboard.metadata_object(jsonb)' },
  { signature: 'switchboard.notify_user_changed()' },
  { signature: 'switchboard.notify_config_changed()' },
  { signature: 'switchboard.schema_problem(jsonb,jsonb,text)' },
  { signature: 'switchboard.current_actor()' },
  { signature: 'switchboard.check_config()', securityDefiner: true },
  { signature: 'switchboard.record_config()', securityDefiner: true },
  { signature: 'switchboard.count_usage()', securityDefiner: true },
  { signature: 'switchboard.count_archived_usage()', securityDefiner: true },
  { signature: 'switchboard.try_usage_lock()' },
  { signature: 'switchboard.fold_usage(integer)' },
  { signature: 'switchboard.rebuild_usage()' },
  { signature: 'switchboard.touch_updated_at()' },
  { signature: 'switchboard.count_config_version()' },
  { signature: 'switchboard.place_document_version()', securityDefiner: true },
  { signature: 'switchboard.check_stream_message()' },
  {
    signature:
      'switchboard.admit(uuid,character varying,integer,integer,numeric,numeric,numeric,numeric,interval)',
  },
  {
    signature:
      'switchboard.extend_reservation(uuid,character varying,uuid,numeric,numeric,numeric,numeric,numeric,interval)',
  },
];
