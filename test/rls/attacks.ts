import { referenceTo, TARGETS } from './matrix.js';
import type { Outcome } from './session.js';
import type { World } from './world.js';

/**
 * What a signed-in user, `other`, tries with rows of `owner`. Updates have no condition and apply to all rows: a
 * condition would read them, and the policy for reading would then refuse what the policy for writing allows.
 */
export interface Attack {
  name: string;
  sql: string;
  values?: (world: World) => unknown[];
  outcome: Outcome;
}

const FOREIGN_CHATS: Attack[] = [
  {
    name: 'adds a chat in the name of another user',
    sql: `insert into chat (user_id) values ($1)`,
    values: ({ owner }) => [owner.userId],
    outcome: 'denied',
  },
  {
    name: 'gives a chat of their own to another user',
    sql: `update chat set user_id = $1`,
    values: ({ owner }) => [owner.userId],
    outcome: 'denied',
  },
  {
    name: 'takes the chat of another user',
    sql: `update chat set user_id = $1 where id = $2`,
    values: ({ owner, other }) => [other.userId, owner.chatId],
    outcome: 'none',
  },
  {
    name: 'overwrites the chat of another user by inserting its id again',
    sql: `insert into chat (id, user_id, title) values ($1, $2, 'Taken')
          on conflict (id) do update set title = excluded.title, user_id = excluded.user_id`,
    values: ({ owner, other }) => [owner.chatId, other.userId],
    outcome: 'denied',
  },
  {
    name: 'locks the chat of another user',
    sql: `select id from chat where id = $1 for update`,
    values: ({ owner }) => [owner.chatId],
    outcome: 'none',
  },
  {
    name: 'looks at hidden rows with a condition that fails on them',
    sql: `select id from chat where id = $1 and 1 / (length(title) - length(title)) = 1`,
    values: ({ owner }) => [owner.chatId],
    outcome: 'none',
  },
];

const FOREIGN_MESSAGES: Attack[] = [
  {
    name: 'adds a message to the chat of another user',
    sql: `insert into "Message_v2" ("chatId", role, parts) values ($1, 'user', '[]')`,
    values: ({ owner }) => [owner.chatId],
    outcome: 'denied',
  },
  {
    name: 'moves a message of their own into the chat of another user',
    sql: `update "Message_v2" set "chatId" = $1`,
    values: ({ owner }) => [owner.chatId],
    outcome: 'denied',
  },
  {
    name: 'moves the message of another user into a chat of their own',
    sql: `update "Message_v2" set "chatId" = $1 where id = $2`,
    values: ({ owner, other }) => [other.chatId, owner.messageId],
    outcome: 'none',
  },
  {
    name: 'overwrites the message of another user by inserting its id again',
    sql: `insert into "Message_v2" (id, "chatId", role, parts) values ($1, $2, 'user', '[]')
          on conflict (id) do update set "chatId" = excluded."chatId"`,
    values: ({ owner, other }) => [owner.messageId, other.chatId],
    outcome: 'denied',
  },
];

const FOREIGN_VOTES: Attack[] = [
  {
    name: 'votes on the message of another user in its chat',
    sql: `insert into "Vote_v2" ("chatId", "messageId", "isUpvoted") values ($1, $2, true)`,
    values: ({ owner }) => [owner.chatId, owner.answerId],
    outcome: 'denied',
  },
  {
    name: 'votes on the message of another user as if it were in a chat of their own',
    sql: `insert into "Vote_v2" ("chatId", "messageId", "isUpvoted") values ($1, $2, true)`,
    values: ({ owner, other }) => [other.chatId, owner.answerId],
    outcome: 'denied',
  },
  {
    name: 'votes on a message of their own as if it were in the chat of another user',
    sql: `insert into "Vote_v2" ("chatId", "messageId", "isUpvoted") values ($1, $2, true)`,
    values: ({ owner, other }) => [owner.chatId, other.answerId],
    outcome: 'denied',
  },
  {
    name: 'moves a vote to the message of another user',
    sql: `update "Vote_v2" set "messageId" = $1`,
    values: ({ owner }) => [owner.answerId],
    outcome: 'denied',
  },
  {
    name: 'moves a vote to the chat of another user',
    sql: `update "Vote_v2" set "chatId" = $1`,
    values: ({ owner }) => [owner.chatId],
    outcome: 'denied',
  },
  {
    name: 'moves a vote to the message of another user in its chat',
    sql: `update "Vote_v2" set "chatId" = $1, "messageId" = $2`,
    values: ({ owner }) => [owner.chatId, owner.answerId],
    outcome: 'denied',
  },
];

const FOREIGN_STREAMS: Attack[] = [
  {
    name: 'adds a stream to the chat of another user',
    sql: `insert into "Stream" ("chatId") values ($1)`,
    values: ({ owner }) => [owner.chatId],
    outcome: 'denied',
  },
  {
    // Recovery runs as the service. A dead stream would close the calls of the message it refers to, and a live one
    // would keep them.
    name: 'adds a stream to a chat of their own that names the message of another user',
    sql: `insert into "Stream" ("chatId", "messageId", "instanceId") values ($1, $2, 1)`,
    values: ({ owner, other }) => [other.chatId, owner.messageId],
    outcome: 'denied',
  },
  {
    name: 'points a stream at the message of another user',
    sql: `update "Stream" set "messageId" = $1`,
    values: ({ owner }) => [owner.messageId],
    outcome: 'denied',
  },
  {
    name: 'moves a stream to the chat of another user',
    sql: `update "Stream" set "chatId" = $1, "messageId" = null`,
    values: ({ owner }) => [owner.chatId],
    outcome: 'denied',
  },
];

const FOREIGN_DOCUMENTS: Attack[] = [
  {
    name: 'adds a document in the name of another user',
    sql: `insert into "Document" (user_id, title) values ($1, 'Planted')`,
    values: ({ owner }) => [owner.userId],
    outcome: 'denied',
  },
  {
    name: 'adds a version to the document of another user',
    sql: `insert into "Document" (id, user_id, title) values ($1, $2, 'Planted')`,
    values: ({ owner, other }) => [owner.documentId, other.userId],
    outcome: 'denied',
  },
  {
    name: 'overwrites a version of the document of another user by inserting its key again',
    sql: `insert into "Document" (id, "createdAt", user_id, title) values ($1, $2, $3, 'Taken')
          on conflict (id, "createdAt") do update set title = excluded.title`,
    values: ({ owner, other }) => [owner.documentId, owner.documentCreatedAt, other.userId],
    outcome: 'denied',
  },
  {
    // The latest version determines the owner of a document: an inserted one would lock out its owner.
    name: 'makes a document of their own a later version of the document of another user',
    sql: `with suggestions as (delete from "Suggestion" where "documentId" = $2)
          update "Document" set id = $1, "createdAt" = '2999-01-01' where id = $2`,
    values: ({ owner, other }) => [owner.documentId, other.documentId],
    outcome: 'denied',
  },
  {
    name: 'gives a document of their own to another user',
    sql: `update "Document" set user_id = $1`,
    values: ({ owner }) => [owner.userId],
    outcome: 'denied',
  },
  {
    name: 'suggests something on the document of another user',
    sql: `insert into "Suggestion" ("documentId", "documentCreatedAt", user_id, "originalText", "suggestedText")
          values ($1, $2, $3, 'a', 'b')`,
    values: ({ owner, other }) => [owner.documentId, owner.documentCreatedAt, other.userId],
    outcome: 'denied',
  },
  {
    name: 'suggests something in the name of another user',
    sql: `insert into "Suggestion" ("documentId", "documentCreatedAt", user_id, "originalText", "suggestedText")
          values ($1, $2, $3, 'a', 'b')`,
    values: ({ owner, other }) => [other.documentId, other.documentCreatedAt, owner.userId],
    outcome: 'denied',
  },
  {
    name: 'moves a suggestion to the document of another user',
    sql: `update "Suggestion" set "documentId" = $1, "documentCreatedAt" = $2`,
    values: ({ owner }) => [owner.documentId, owner.documentCreatedAt],
    outcome: 'denied',
  },
  {
    name: 'gives a suggestion to another user',
    sql: `update "Suggestion" set user_id = $1`,
    values: ({ owner }) => [owner.userId],
    outcome: 'denied',
  },
];

const ACCOUNTS: Attack[] = [
  {
    name: 'connects a repository for another user',
    sql: `insert into github_repositories (user_id, repo_owner, repo_name, repo_url) values ($1, 'o', 'n', 'u')`,
    values: ({ owner }) => [owner.userId],
    outcome: 'denied',
  },
  {
    name: 'gives a repository to another user',
    sql: `update github_repositories set user_id = $1`,
    values: ({ owner }) => [owner.userId],
    outcome: 'denied',
  },
  {
    name: 'makes their own calls cheaper',
    sql: `update usage_logs set total_cost = 0 where user_id = $1`,
    values: ({ other }) => [other.userId],
    outcome: 'denied',
  },
  {
    name: 'starts their own period again',
    sql: `delete from rate_limit_tracking where user_id = $1`,
    values: ({ other }) => [other.userId],
    outcome: 'denied',
  },
  { name: 'reads auth.users', sql: `select * from auth.users`, outcome: 'denied' },
  {
    name: 'makes themselves an admin in auth.users',
    sql: `update auth.users set raw_user_meta_data = '{"role": "admin"}' where id = $1`,
    values: ({ other }) => [other.userId],
    outcome: 'denied',
  },
  {
    name: 'adds a user',
    sql: `insert into auth.users (id) values (gen_random_uuid())`,
    outcome: 'denied',
  },
  { name: 'deletes users', sql: `delete from auth.users`, outcome: 'denied' },
];

const STRUCTURE: Attack[] = [
  ...Object.keys(TARGETS).map((table): Attack => ({
    name: `empties ${table}, which row level security does not decide on`,
    sql: `truncate ${referenceTo(table)} cascade`,
    outcome: 'denied',
  })),
  {
    name: 'switches row level security off for a table',
    sql: `alter table chat disable row level security`,
    outcome: 'denied',
  },
  {
    name: 'adds a policy',
    sql: `create policy mine on chat for select to authenticated using (true)`,
    outcome: 'denied',
  },
  { name: 'removes a trigger', sql: `drop trigger document_version on "Document"`, outcome: 'denied' },
  {
    name: 'removes the guard of auth.users',
    sql: `drop trigger switchboard_user_role on auth.users`,
    outcome: 'denied',
  },
  {
    name: 'adds a trigger',
    sql: `create trigger mine before insert on chat
          for each row execute function suppress_redundant_updates_trigger()`,
    outcome: 'denied',
  },
  {
    name: 'makes a function beside the helpers',
    sql: `create function switchboard.mine() returns integer language sql as 'select 1'`,
    outcome: 'denied',
  },
  {
    name: 'replaces the helper that tells admins',
    sql: `create or replace function switchboard.is_admin() returns boolean language sql as 'select true'`,
    outcome: 'denied',
  },
  { name: 'reads which migrations have run', sql: `select * from switchboard.migrations`, outcome: 'denied' },
];

export const ATTACKS: readonly Attack[] = [
  ...FOREIGN_CHATS,
  ...FOREIGN_MESSAGES,
  ...FOREIGN_VOTES,
  ...FOREIGN_STREAMS,
  ...FOREIGN_DOCUMENTS,
  ...ACCOUNTS,
  ...STRUCTURE,
];
