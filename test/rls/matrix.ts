import type { Columns } from '../fixtures/rows.js';
import type { Outcome } from './session.js';
import type { UserRows } from './world.js';

/**
 * The actions that each user may perform on a row of the owner, through the server or (`api_…`) through the Data API.
 * `rows`: it succeeds. `none`: the row is not visible. `denied`: it is refused.
 */
const MATRIX = `
  table                           action   owner      other      admin      api_owner  api_other  api_admin  anonymous  service
  chat                            select   rows       none       rows       rows       none       rows       denied     rows
  chat                            insert   rows       denied     denied     denied     denied     denied     denied     rows
  chat                            update   rows       none       none       rows       none       none       denied     rows
  chat                            delete   rows       none       none       rows       none       none       denied     rows
  Message_v2                      select   rows       none       none       rows       none       none       denied     rows
  Message_v2                      insert   rows       denied     denied     denied     denied     denied     denied     rows
  Message_v2                      update   rows       none       none       denied     denied     denied     denied     rows
  Message_v2                      delete   rows       none       none       denied     denied     denied     denied     rows
  Vote_v2                         select   rows       none       none       rows       none       none       denied     rows
  Vote_v2                         insert   rows       denied     denied     rows       denied     denied     denied     rows
  Vote_v2                         update   rows       none       none       rows       none       none       denied     rows
  Vote_v2                         delete   rows       none       none       rows       none       none       denied     rows
  Stream                          select   rows       none       none       rows       none       none       denied     rows
  Stream                          insert   rows       denied     denied     denied     denied     denied     denied     rows
  Stream                          update   rows       none       none       denied     denied     denied     denied     rows
  Stream                          delete   rows       none       none       denied     denied     denied     denied     rows
  Document                        select   rows       none       none       rows       none       none       denied     rows
  Document                        insert   rows       denied     denied     denied     denied     denied     denied     rows
  Document                        update   rows       none       none       denied     denied     denied     denied     rows
  Document                        delete   rows       none       none       rows       none       none       denied     rows
  Suggestion                      select   rows       none       none       rows       none       none       denied     rows
  Suggestion                      insert   rows       denied     denied     denied     denied     denied     denied     rows
  Suggestion                      update   rows       none       none       denied     denied     denied     denied     rows
  Suggestion                      delete   rows       none       none       rows       none       none       denied     rows
  admin_config                    select   none       none       rows       none       none       rows       denied     rows
  admin_config                    insert   denied     denied     rows       denied     denied     denied     denied     rows
  admin_config                    update   none       none       rows       denied     denied     denied     denied     rows
  admin_config                    delete   none       none       rows       denied     denied     denied     denied     rows
  usage_logs                      select   rows       none       rows       rows       none       rows       denied     rows
  usage_logs                      insert   denied     denied     denied     denied     denied     denied     denied     rows
  usage_logs                      update   denied     denied     denied     denied     denied     denied     denied     rows
  usage_logs                      delete   denied     denied     denied     denied     denied     denied     denied     rows
  rate_limit_tracking             select   rows       none       none       rows       none       none       denied     rows
  rate_limit_tracking             insert   denied     denied     denied     denied     denied     denied     denied     rows
  rate_limit_tracking             update   denied     denied     denied     denied     denied     denied     denied     rows
  rate_limit_tracking             delete   denied     denied     denied     denied     denied     denied     denied     rows
  github_repositories             select   rows       none       none       rows       none       none       denied     rows
  github_repositories             insert   rows       denied     denied     denied     denied     denied     denied     rows
  github_repositories             update   rows       none       none       denied     denied     denied     denied     rows
  github_repositories             delete   rows       none       none       rows       none       none       denied     rows
  switchboard.config_history      select   none       none       rows       none       none       rows       denied     rows
  switchboard.config_history      insert   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.config_history      update   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.config_history      delete   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.audit_log           select   none       none       rows       none       none       rows       denied     rows
  switchboard.audit_log           insert   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.audit_log           update   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.audit_log           delete   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.usage_rollups       select   none       none       rows       none       none       rows       denied     rows
  switchboard.usage_rollups       insert   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.usage_rollups       update   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.usage_rollups       delete   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.usage_user_rollups  select   rows       none       rows       rows       none       rows       denied     rows
  switchboard.usage_user_rollups  insert   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.usage_user_rollups  update   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.usage_user_rollups  delete   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.usage_user_kinds    select   rows       none       rows       rows       none       rows       denied     rows
  switchboard.usage_user_kinds    insert   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.usage_user_kinds    update   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.usage_user_kinds    delete   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.usage_pending       select   rows       none       rows       rows       none       rows       denied     rows
  switchboard.usage_pending       insert   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.usage_pending       update   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.usage_pending       delete   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.usage_archive       select   rows       none       rows       rows       none       rows       denied     rows
  switchboard.usage_archive       insert   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.usage_archive       update   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.usage_archive       delete   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.runs                select   rows       none       rows       rows       none       rows       denied     rows
  switchboard.runs                insert   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.runs                update   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.runs                delete   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.chat_summaries      select   rows       none       none       rows       none       none       denied     rows
  switchboard.chat_summaries      insert   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.chat_summaries      update   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.chat_summaries      delete   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.search_pending      select   rows       none       none       denied     denied     denied     denied     denied
  switchboard.search_pending      insert   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.search_pending      update   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.search_pending      delete   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.search_groups       select   rows       none       none       denied     denied     denied     denied     denied
  switchboard.search_groups       insert   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.search_groups       update   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.search_groups       delete   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.search_due          select   rows       none       none       denied     denied     denied     denied     denied
  switchboard.search_due          insert   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.search_due          update   denied     denied     denied     denied     denied     denied     denied     denied
  switchboard.search_due          delete   denied     denied     denied     denied     denied     denied     denied     denied`;

export type Action = 'select' | 'insert' | 'update' | 'delete';
export type Persona =
  'owner' | 'other' | 'admin' | 'api_owner' | 'api_other' | 'api_admin' | 'anonymous' | 'service';

export interface Cell {
  table: string;
  action: Action;
  persona: Persona;
  outcome: Outcome;
}

/** A table of the matrix as named in SQL: with its schema, unless that is `public`. */
export function referenceTo(table: string): string {
  return table.includes('.') ? table : `public."${table}"`;
}

export const CELLS: readonly Cell[] = readCells();

function readCells(): Cell[] {
  const [header = [], ...lines] = MATRIX.trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/));
  return lines.flatMap(([table = '', action, ...outcomes]) =>
    outcomes.map((outcome, column) => ({
      table,
      action: action as Action,
      persona: header[column + 2] as Persona,
      outcome: outcome as Outcome,
    })),
  );
}

export interface Target {
  /** The columns that identify the owner's row. */
  key: (rows: UserRows) => Columns;
  /** A new row that would belong to the owner. */
  newRow: (rows: UserRows) => Columns;
  /** What an update sets. Used as a condition, it checks whether it was set. */
  change: string;
}

/** The values for the statements of the matrix. */
export const TARGETS: Readonly<Record<string, Target>> = {
  chat: {
    key: ({ chatId }) => ({ id: chatId }),
    newRow: ({ userId }) => ({ user_id: userId, title: 'Added' }),
    change: `title = 'Taken'`,
  },
  Message_v2: {
    key: ({ messageId }) => ({ id: messageId }),
    newRow: ({ chatId }) => ({ chatId, role: 'assistant', parts: [] }),
    change: `model_used = 'taken'`,
  },
  Vote_v2: {
    key: ({ chatId, messageId }) => ({ chatId, messageId }),
    newRow: ({ chatId, answerId }) => ({ chatId, messageId: answerId, isUpvoted: true }),
    change: `"isUpvoted" = false`,
  },
  Stream: {
    key: ({ streamId }) => ({ id: streamId }),
    newRow: ({ chatId, messageId }) => ({ chatId, messageId }),
    change: `"instanceId" = 4711`,
  },
  Document: {
    key: ({ documentId }) => ({ id: documentId }),
    newRow: ({ userId }) => ({ user_id: userId, title: 'Added' }),
    change: `content = 'Taken'`,
  },
  Suggestion: {
    key: ({ suggestionId }) => ({ id: suggestionId }),
    newRow: ({ userId, documentId, documentCreatedAt }) => ({
      user_id: userId,
      documentId,
      documentCreatedAt,
      originalText: 'upon',
      suggestedText: 'at',
    }),
    change: `"suggestedText" = 'taken'`,
  },
  admin_config: {
    key: ({ configId }) => ({ id: configId }),
    newRow: ({ userId }) => ({ config_key: 'added', config_data: {}, updated_by: userId }),
    change: `created_at = '2020-01-01T00:00:00Z'`,
  },
  usage_logs: {
    key: ({ usageLogId }) => ({ id: usageLogId }),
    newRow: ({ userId }) => ({ user_id: userId, agent_type: 'chat', model_used: 'm', provider: 'p' }),
    change: `total_cost = 0.000001`,
  },
  rate_limit_tracking: {
    key: ({ rateLimitId }) => ({ id: rateLimitId }),
    newRow: ({ userId }) => ({
      user_id: userId,
      agent_type: 'git_mcp',
      limit_type: 'daily',
      limit_value: 1_000_000,
      period_start: '2026-01-01T00:00:00Z',
      period_end: '2026-01-02T00:00:00Z',
    }),
    change: `limit_value = 1000000`,
  },
  github_repositories: {
    key: ({ repositoryId }) => ({ id: repositoryId }),
    newRow: ({ userId }) => ({ user_id: userId, repo_owner: 'o', repo_name: 'n', repo_url: 'u' }),
    change: `default_branch = 'taken'`,
  },
  'switchboard.config_history': {
    key: ({ userId }) => ({ changed_by: userId }),
    newRow: ({ userId }) => ({ config_key: 'added', version: 1, action: 'deleted', changed_by: userId }),
    change: `version = 4711`,
  },
  'switchboard.audit_log': {
    key: ({ userId }) => ({ actor: userId }),
    newRow: ({ userId }) => ({ actor: userId, action: 'user.updated', target: userId }),
    change: `details = '{"taken": true}'`,
  },
  'switchboard.usage_rollups': {
    key: ({ usageModel }) => ({ model_used: usageModel }),
    newRow: ({ usageModel }) => ({ granularity: 15, ...sumsOf(usageModel) }),
    change: `calls = 4711`,
  },
  'switchboard.usage_user_rollups': {
    key: ({ userId }) => ({ user_id: userId }),
    newRow: ({ userId }) => ({
      granularity: 'day',
      bucket: '2026-01-01',
      user_id: userId,
      errors: 0,
      ...NO_SUMS,
    }),
    change: `calls = 4711`,
  },
  'switchboard.usage_user_kinds': {
    key: ({ userId }) => ({ user_id: userId }),
    newRow: ({ userId, usageModel }) => ({
      ...sumsOf(usageModel),
      granularity: 'day',
      bucket: '2026-01-01',
      user_id: userId,
    }),
    change: `calls = 4711`,
  },
  'switchboard.usage_pending': {
    key: ({ userId }) => ({ user_id: userId }),
    newRow: ({ userId, usageModel }) => ({ user_id: userId, ...sumsOf(usageModel) }),
    change: `calls = 4711`,
  },
  'switchboard.usage_archive': {
    key: ({ userId }) => ({ user_id: userId }),
    newRow: ({ userId, usageModel }) => ({ user_id: userId, ...sumsOf(usageModel) }),
    change: `calls = 4711`,
  },
  'switchboard.runs': {
    key: ({ userId }) => ({ user_id: userId }),
    newRow: ({ userId }) => ({
      id: '4a1d4c2e-58a5-4a6c-9d0e-6c7f6a1b2c3d',
      user_id: userId,
      agent_type: 'chat',
      instance_id: 1,
      expires_at: '2020-01-01T00:00:00Z',
    }),
    change: `reserved_cost = 4711`,
  },
  'switchboard.chat_summaries': {
    key: ({ chatId }) => ({ chat_id: chatId }),
    newRow: ({ chatId, answerId }) => ({
      chat_id: chatId,
      through_at: new Date(),
      through_id: answerId,
      content: 'Added',
      tokens: 1,
      context_tokens: 1,
      model: 'm',
    }),
    change: `content = 'taken'`,
  },
  'switchboard.search_pending': {
    key: ({ userId }) => ({ user_id: userId }),
    newRow: ({ userId, chatId, messageId }) => ({
      user_id: userId,
      chat_id: chatId,
      at: '2020-01-01T00:00:00Z',
      message_id: messageId,
    }),
    change: `at = now()`,
  },
  'switchboard.search_groups': {
    key: ({ userId }) => ({ user_id: userId }),
    newRow: ({ userId }) => ({
      user_id: userId,
      number: 2,
      width: 0,
      matrix: '',
      chat_ids: '{}',
      from_at: '{}',
      to_at: '{}',
    }),
    change: `width = 4711`,
  },
  'switchboard.search_due': {
    key: ({ userId }) => ({ user_id: userId }),
    newRow: ({ userId }) => ({ user_id: userId }),
    change: `is_whole = true`,
  },
};

const NO_SUMS: Columns = {
  calls: 0,
  input_tokens: 0,
  output_tokens: 0,
  total_tokens: 0,
  input_cost: 0,
  output_cost: 0,
  total_cost: 0,
};

function sumsOf(model: string): Columns {
  return {
    bucket: '2026-01-01T00:00:00Z',
    agent_type: 'chat',
    provider: 'p',
    model_used: model,
    status: 'success',
    ...NO_SUMS,
  };
}
