import type { ExpectedTable } from './expected-schema.js';

const USER = 'auth.users (id) on delete cascade';
const ID = 'uuid not null default gen_random_uuid()';
const NOW = 'timestamptz(3) not null default clock_timestamp()';
const MONEY = 'numeric(20,6) not null';

const CALL_KEY = {
  agent_type: 'varchar(16) not null',
  provider: 'varchar(64) not null',
  model_used: 'varchar(200) not null',
  status: 'varchar(16) not null',
};
const FIGURES = {
  input_tokens: 'bigint not null',
  output_tokens: 'bigint not null',
  total_tokens: 'bigint not null',
  input_cost: MONEY,
  output_cost: MONEY,
  total_cost: MONEY,
};
const MEASURES = { calls: 'bigint not null', ...FIGURES };
const CALL_COLUMNS = Object.keys(CALL_KEY);

const rollups = (name: string): ExpectedTable => ({
  name,
  columns: {
    granularity: 'smallint not null',
    bucket: 'timestamptz(3) not null',
    ...CALL_KEY,
    ...MEASURES,
  },
  primaryKey: ['granularity', 'bucket', ...CALL_COLUMNS],
  foreignKeys: {},
  values: { granularity: ['15', '60', '1440'] },
  indexes: {},
});

/** What stands beside the original schema, where the Data API does not reach. */
export const OWN_TABLES: readonly ExpectedTable[] = [
  {
    name: 'switchboard.config_schemas',
    columns: { config_key: 'varchar(128) not null', schema: 'jsonb not null' },
    primaryKey: ['config_key'],
    foreignKeys: {},
    indexes: {},
  },
  {
    name: 'switchboard.config_history',
    columns: {
      id: ID,
      config_key: 'varchar(128) not null',
      version: 'integer not null',
      action: 'varchar(16) not null',
      config_data: 'jsonb',
      restored_version: 'integer',
      changed_by: 'uuid',
      changed_at: NOW,
    },
    primaryKey: ['id'],
    unique: [['config_key', 'version']],
    foreignKeys: {},
    values: { action: ['created', 'updated', 'rolled_back', 'deleted'] },
    indexes: {},
  },
  {
    name: 'switchboard.audit_log',
    columns: {
      id: ID,
      actor: 'uuid',
      action: 'varchar(64) not null',
      target: 'varchar(256) not null',
      details: "jsonb not null default '{}'",
      created_at: NOW,
    },
    primaryKey: ['id'],
    foreignKeys: {},
    indexes: {
      idx_audit_log_created: '(created_at desc, id desc)',
      idx_audit_log_actor: '(actor, created_at desc, id desc)',
    },
  },
  {
    name: 'switchboard.daily_spending',
    columns: {
      user_id: 'uuid not null',
      agent_type: 'varchar(16) not null',
      day: 'date not null',
      cost: MONEY,
    },
    primaryKey: ['user_id', 'agent_type', 'day'],
    foreignKeys: { user_id: USER },
    indexes: {},
  },
  {
    name: 'switchboard.budget_reservations',
    columns: {
      id: ID,
      user_id: 'uuid not null',
      agent_type: 'varchar(16) not null',
      cost: 'numeric not null',
      expires_at: 'timestamptz(3) not null',
    },
    primaryKey: ['id'],
    foreignKeys: { user_id: USER },
    indexes: { idx_budget_reservations_user_agent: '(user_id, agent_type)' },
  },
  rollups('switchboard.usage_rollups'),
  rollups('switchboard.usage_rollups_quarters'),
  rollups('switchboard.usage_rollups_hours'),
  rollups('switchboard.usage_rollups_days'),
  {
    name: 'switchboard.usage_user_rollups',
    columns: {
      granularity: 'varchar(8) not null',
      bucket: 'date not null',
      user_id: 'uuid not null',
      errors: 'bigint not null',
      ...MEASURES,
    },
    primaryKey: ['granularity', 'bucket', 'user_id'],
    foreignKeys: {},
    values: { granularity: ['day', 'month'] },
    indexes: { idx_usage_user_rollups_user: '(user_id)' },
  },
  {
    name: 'switchboard.usage_user_kinds',
    columns: {
      user_id: 'uuid not null',
      granularity: 'varchar(8) not null',
      bucket: 'date not null',
      ...CALL_KEY,
      ...MEASURES,
    },
    primaryKey: ['user_id', 'granularity', 'bucket', ...CALL_COLUMNS],
    foreignKeys: {},
    values: { granularity: ['day', 'month'] },
    indexes: {},
  },
  {
    name: 'switchboard.usage_pending',
    columns: {
      id: 'bigint not null default identity',
      user_id: 'uuid not null',
      bucket: 'timestamptz(3) not null',
      ...CALL_KEY,
      ...MEASURES,
    },
    primaryKey: ['id'],
    foreignKeys: {},
    indexes: {},
  },
  {
    name: 'switchboard.usage_archive',
    columns: { user_id: 'uuid not null', bucket: 'timestamptz(3) not null', ...CALL_KEY, ...MEASURES },
    primaryKey: ['user_id', 'bucket', ...CALL_COLUMNS],
    foreignKeys: { user_id: USER },
    indexes: { idx_usage_archive_bucket: '(bucket)' },
  },
  {
    name: 'switchboard.tool_approvals',
    columns: {
      message_id: 'uuid not null',
      approval_id: 'varchar(200) not null',
      chat_id: 'uuid not null',
      user_id: 'uuid not null',
      tool_call_id: 'varchar(200) not null',
      tool_name: 'varchar(200) not null',
      call_hash: 'character(64) not null',
      answer: 'jsonb not null',
      created_at: 'timestamptz(3) not null default now()',
    },
    primaryKey: ['message_id', 'approval_id'],
    foreignKeys: { message_id: 'Message_v2 (id) on delete cascade' },
    indexes: {},
  },
  {
    name: 'switchboard.client_id_secret',
    columns: { id: 'boolean not null default true', secret: 'bytea not null' },
    primaryKey: ['id'],
    foreignKeys: {},
    indexes: {},
  },
];
