/** The original schema, as data. Nothing in it is ever renamed, retyped or dropped. */

/** Types as the schema writes them. */
export type SeedType =
  'uuid' | 'text' | 'varchar' | 'timestamp' | 'integer' | 'decimal' | 'boolean' | 'json' | 'jsonb';

export const SEED_COLUMNS: Readonly<Record<string, Readonly<Record<string, SeedType>>>> = {
  chat: {
    id: 'uuid',
    user_id: 'uuid',
    title: 'text',
    createdAt: 'timestamp',
    visibility: 'varchar',
    lastContext: 'jsonb',
    total_input_tokens: 'integer',
    total_output_tokens: 'integer',
    total_cost: 'decimal',
    updated_at: 'timestamp',
  },
  Message_v2: {
    id: 'uuid',
    chatId: 'uuid',
    role: 'varchar',
    parts: 'json',
    attachments: 'json',
    createdAt: 'timestamp',
    model_used: 'varchar',
    input_tokens: 'integer',
    output_tokens: 'integer',
    cost: 'decimal',
  },
  Vote_v2: { chatId: 'uuid', messageId: 'uuid', isUpvoted: 'boolean' },
  Stream: { id: 'uuid', chatId: 'uuid', createdAt: 'timestamp' },
  Document: {
    id: 'uuid',
    createdAt: 'timestamp',
    user_id: 'uuid',
    title: 'text',
    content: 'text',
    kind: 'varchar',
  },
  Suggestion: {
    id: 'uuid',
    documentId: 'uuid',
    documentCreatedAt: 'timestamp',
    user_id: 'uuid',
    originalText: 'text',
    suggestedText: 'text',
    description: 'text',
    isResolved: 'boolean',
    createdAt: 'timestamp',
  },
  admin_config: {
    id: 'uuid',
    config_key: 'varchar',
    config_data: 'jsonb',
    updated_by: 'uuid',
    updated_at: 'timestamp',
    created_at: 'timestamp',
  },
  usage_logs: {
    id: 'uuid',
    user_id: 'uuid',
    chat_id: 'uuid',
    agent_type: 'varchar',
    model_used: 'varchar',
    provider: 'varchar',
    input_tokens: 'integer',
    output_tokens: 'integer',
    total_tokens: 'integer',
    input_cost: 'decimal',
    output_cost: 'decimal',
    total_cost: 'decimal',
    request_timestamp: 'timestamp',
    response_timestamp: 'timestamp',
    duration_ms: 'integer',
    metadata: 'jsonb',
  },
  rate_limit_tracking: {
    id: 'uuid',
    user_id: 'uuid',
    agent_type: 'varchar',
    period_start: 'timestamp',
    period_end: 'timestamp',
    request_count: 'integer',
    limit_type: 'varchar',
    limit_value: 'integer',
    created_at: 'timestamp',
  },
  github_repositories: {
    id: 'uuid',
    user_id: 'uuid',
    repo_owner: 'varchar',
    repo_name: 'varchar',
    repo_url: 'text',
    default_branch: 'varchar',
    is_active: 'boolean',
    last_accessed: 'timestamp',
    created_at: 'timestamp',
  },
};

export const PRIMARY_KEYS: Readonly<Record<string, readonly string[]>> = {
  chat: ['id'],
  Message_v2: ['id'],
  Vote_v2: ['chatId', 'messageId'],
  Stream: ['id'],
  Document: ['id', 'createdAt'],
  Suggestion: ['id'],
  admin_config: ['id'],
  usage_logs: ['id'],
  rate_limit_tracking: ['id'],
  github_repositories: ['id'],
};

interface SeedIndex {
  name: string;
  table: string;
  columns: string[];
}

export const SEED_INDEXES: readonly SeedIndex[] = [
  {
    name: 'idx_chat_user_created',
    table: 'chat',
    columns: ['user_id', '"createdAt" desc'],
  },
  {
    name: 'idx_message_chat',
    table: 'Message_v2',
    columns: ['"chatId"', '"createdAt"'],
  },
  {
    name: 'idx_usage_logs_user_timestamp',
    table: 'usage_logs',
    columns: ['user_id', 'request_timestamp desc'],
  },
  {
    name: 'idx_usage_logs_agent_timestamp',
    table: 'usage_logs',
    columns: ['agent_type', 'request_timestamp desc'],
  },
  { name: 'idx_usage_logs_date_range', table: 'usage_logs', columns: ['request_timestamp'] },
  {
    name: 'idx_rate_limit_user_agent',
    table: 'rate_limit_tracking',
    columns: ['user_id', 'agent_type', 'period_start'],
  },
  { name: 'idx_github_repos_user', table: 'github_repositories', columns: ['user_id', 'is_active'] },
  {
    name: 'idx_document_user',
    table: 'Document',
    columns: ['user_id', '"createdAt" desc'],
  },
  { name: 'idx_admin_config_key', table: 'admin_config', columns: ['config_key'] },
];

/** The references between tables, and what happens on deletion. */
export const FOREIGN_KEYS: readonly string[] = [
  'chat (user_id) → auth.users (id): cascade',
  'Message_v2 (chatId) → chat (id): cascade',
  'Vote_v2 (chatId) → chat (id): cascade',
  'Vote_v2 (messageId) → Message_v2 (id): cascade',
  'Stream (chatId) → chat (id): cascade',
  'Document (user_id) → auth.users (id): cascade',
  'Suggestion (documentId, documentCreatedAt) → Document (id, createdAt): cascade',
  'Suggestion (user_id) → auth.users (id): cascade',
  'admin_config (updated_by) → auth.users (id): set null',
  'usage_logs (user_id) → auth.users (id): cascade',
  'usage_logs (chat_id) → chat (id): set null',
  'rate_limit_tracking (user_id) → auth.users (id): cascade',
  'github_repositories (user_id) → auth.users (id): cascade',
];
