import { OWN_TABLES } from './expected-own-tables.js';

/** What a table is made of. Whatever a database has besides is its own affair. */
export interface ExpectedTable {
  /** With its schema, unless that is `public`. */
  name: string;
  /** Type, `not null`, and the default (or `identity`) where rows rely on it. A `varchar` may be wider than it is here. */
  columns: Record<string, string>;
  primaryKey: string[];
  /** Beside the primary key; by a constraint or by an index. */
  unique?: string[][];
  /** By their columns: what they refer to, and what becomes of a row when that is deleted. */
  foreignKeys: Record<string, string>;
  /** Columns that hold one of a few words or numbers, and a CHECK that says so. */
  values?: Record<string, string[]>;
  indexes: Record<string, string>;
}

const USER = 'auth.users (id) on delete cascade';
const CHAT = 'chat (id) on delete cascade';
const MESSAGE = 'Message_v2 (id) on delete cascade';

const ID = 'uuid not null default gen_random_uuid()';
const NOW = 'timestamptz(3) not null default now()';
const COUNT = 'integer not null default 0';
const COST = 'numeric(10,6) not null default 0';

const AGENT_TYPES = ['routing', 'chat', 'artifact', 'git_mcp'];

/** The ten tables of the original schema. */
const SEED_TABLES: readonly ExpectedTable[] = [
  {
    name: 'chat',
    columns: {
      id: ID,
      user_id: 'uuid not null',
      title: "text not null default 'New chat'",
      createdAt: NOW,
      visibility: "varchar(16) not null default 'private'",
      lastContext: 'jsonb',
      total_input_tokens: COUNT,
      total_output_tokens: COUNT,
      total_cost: COST,
      updated_at: NOW,
    },
    primaryKey: ['id'],
    foreignKeys: { user_id: USER },
    values: { visibility: ['public', 'private'] },
    indexes: {
      idx_chat_user_created: '(user_id, createdAt desc)',
      idx_chat_created: '(createdAt desc, id desc)',
    },
  },
  {
    name: 'Message_v2',
    columns: {
      id: ID,
      chatId: 'uuid not null',
      role: 'varchar(16) not null',
      parts: 'json not null',
      attachments: "json not null default '[]'",
      createdAt: NOW,
      model_used: 'varchar(200)',
      input_tokens: COUNT,
      output_tokens: COUNT,
      cost: COST,
      status: "varchar(16) not null default 'complete'",
      metadata: 'jsonb',
    },
    primaryKey: ['id'],
    foreignKeys: { chatId: CHAT },
    values: {
      role: ['user', 'assistant', 'system', 'tool'],
      status: ['complete', 'streaming', 'stopped', 'interrupted', 'failed'],
    },
    indexes: {
      idx_message_chat: '(chatId, createdAt)',
      idx_message_streaming: "(id) where status::text = 'streaming'::text",
    },
  },
  {
    name: 'Vote_v2',
    columns: { chatId: 'uuid not null', messageId: 'uuid not null', isUpvoted: 'boolean not null' },
    primaryKey: ['chatId', 'messageId'],
    foreignKeys: { chatId: CHAT, messageId: MESSAGE },
    indexes: { idx_vote_message: '(messageId)' },
  },
  {
    name: 'Stream',
    columns: {
      id: ID,
      chatId: 'uuid not null',
      createdAt: NOW,
      messageId: 'uuid',
      instanceId: 'integer',
    },
    primaryKey: ['id'],
    foreignKeys: { chatId: CHAT, messageId: MESSAGE },
    indexes: { idx_stream_chat: '(chatId, createdAt desc)', idx_stream_message: '(messageId)' },
  },
  {
    name: 'Document',
    columns: {
      id: ID,
      createdAt: NOW,
      user_id: 'uuid not null',
      title: 'text not null',
      content: 'text',
      kind: "varchar(16) not null default 'text'",
    },
    primaryKey: ['id', 'createdAt'],
    foreignKeys: { user_id: USER },
    values: { kind: ['text', 'code', 'image', 'sheet'] },
    indexes: { idx_document_user: '(user_id, createdAt desc)' },
  },
  {
    name: 'Suggestion',
    columns: {
      id: ID,
      documentId: 'uuid not null',
      documentCreatedAt: 'timestamptz(3) not null',
      user_id: 'uuid not null',
      originalText: 'text not null',
      suggestedText: 'text not null',
      description: 'text',
      isResolved: 'boolean not null default false',
      createdAt: NOW,
    },
    primaryKey: ['id'],
    foreignKeys: {
      'documentId, documentCreatedAt': 'Document (id, createdAt) on delete cascade',
      user_id: USER,
    },
    indexes: {
      idx_suggestion_document: '(documentId, documentCreatedAt)',
      idx_suggestion_user: '(user_id)',
    },
  },
  {
    name: 'admin_config',
    columns: {
      id: ID,
      config_key: 'varchar(128) not null',
      config_data: 'jsonb not null',
      updated_by: 'uuid',
      updated_at: NOW,
      created_at: NOW,
      version: 'integer not null default 1',
    },
    primaryKey: ['id'],
    unique: [['config_key']],
    foreignKeys: { updated_by: 'auth.users (id) on delete set null' },
    indexes: { idx_admin_config_key: '(config_key)', idx_admin_config_updated_by: '(updated_by)' },
  },
  {
    name: 'usage_logs',
    columns: {
      id: ID,
      user_id: 'uuid not null',
      chat_id: 'uuid',
      agent_type: 'varchar(16) not null',
      model_used: 'varchar(200) not null',
      provider: 'varchar(64) not null',
      input_tokens: COUNT,
      output_tokens: COUNT,
      total_tokens: COUNT,
      input_cost: COST,
      output_cost: COST,
      total_cost: COST,
      request_timestamp: NOW,
      response_timestamp: 'timestamptz(3)',
      duration_ms: 'integer',
      metadata: 'jsonb',
    },
    primaryKey: ['id'],
    foreignKeys: { user_id: USER, chat_id: 'chat (id) on delete set null' },
    values: { agent_type: AGENT_TYPES },
    indexes: {
      idx_usage_logs_user_timestamp: '(user_id, request_timestamp desc)',
      idx_usage_logs_agent_timestamp: '(agent_type, request_timestamp desc)',
      idx_usage_logs_date_range: '(request_timestamp)',
      idx_usage_logs_chat: '(chat_id)',
      idx_usage_logs_open: '(request_timestamp) where response_timestamp IS NULL',
    },
  },
  {
    name: 'rate_limit_tracking',
    columns: {
      id: ID,
      user_id: 'uuid not null',
      agent_type: 'varchar(16) not null',
      period_start: 'timestamptz(3) not null',
      period_end: 'timestamptz(3) not null',
      request_count: COUNT,
      limit_type: 'varchar(16) not null',
      limit_value: 'integer not null',
      created_at: NOW,
    },
    primaryKey: ['id'],
    unique: [['user_id', 'agent_type', 'limit_type', 'period_start']],
    foreignKeys: { user_id: USER },
    values: { agent_type: AGENT_TYPES, limit_type: ['hourly', 'daily'] },
    indexes: { idx_rate_limit_user_agent: '(user_id, agent_type, period_start)' },
  },
  {
    name: 'github_repositories',
    columns: {
      id: ID,
      user_id: 'uuid not null',
      repo_owner: 'varchar(255) not null',
      repo_name: 'varchar(255) not null',
      repo_url: 'text not null',
      default_branch: "varchar(255) not null default 'main'",
      is_active: 'boolean not null default true',
      last_accessed: 'timestamptz(3)',
      created_at: NOW,
    },
    primaryKey: ['id'],
    foreignKeys: { user_id: USER },
    indexes: {
      idx_github_repos_user: '(user_id, is_active)',
      idx_github_repos_unique: 'unique (user_id, lower(repo_owner::text), lower(repo_name::text))',
    },
  },
];

export const TABLES: readonly ExpectedTable[] = [...SEED_TABLES, ...OWN_TABLES];

/** The configuration without which the server does not know what to do. */
export const CONFIG_KEYS: readonly string[] = [
  'app_settings',
  'model_catalog',
  'routing_agent',
  'chat_agent_google',
  'chat_agent_openai',
  'chat_agent_anthropic',
  'artifact_agent_google',
  'artifact_agent_openai',
  'artifact_agent_anthropic',
  'git_mcp_agent_google',
  'git_mcp_agent_openai',
  'git_mcp_agent_anthropic',
];
