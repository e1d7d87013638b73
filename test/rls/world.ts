import { randomUUID } from 'node:crypto';
import {
  insertChat,
  insertConfig,
  insertDocument,
  insertMessage,
  insertRateLimit,
  insertRepository,
  insertStream,
  insertSuggestion,
  insertUsageLog,
  insertUser,
  insertVote,
  type SqlRunner,
} from '../fixtures/rows.js';

/** One row of each table that belongs to a user. */
export interface UserRows {
  userId: string;
  chatId: string;
  /** Has a vote and a stream. */
  messageId: string;
  /** Has no vote. */
  answerId: string;
  streamId: string;
  documentId: string;
  documentCreatedAt: Date;
  suggestionId: string;
  /** A configuration that the user changed last. */
  configId: string;
  /** A call that is running. */
  usageLogId: string;
  /** Kinds that only this user has: a call in the rollups, a pending one, and one in the archive. */
  usageModel: string;
  rateLimitId: string;
  repositoryId: string;
}

export interface World {
  owner: UserRows;
  other: UserRows;
  admin: UserRows;
}

/** Three users, each with a row in every table. */
export async function insertWorld(runner: SqlRunner): Promise<World> {
  const world = {
    owner: await insertUserRows(runner),
    other: await insertUserRows(runner),
    admin: await insertUserRows(runner, 'admin'),
  };
  await insertUsageSums(runner, Object.values(world));
  await insertSearchIndex(runner, Object.values(world));
  await insertSummaries(runner, Object.values(world));
  return world;
}

async function insertUserRows(runner: SqlRunner, role = 'user'): Promise<UserRows> {
  const userId = await insertUser(runner, { role });
  const chatId = await insertChat(runner, userId);
  const messageId = await insertMessage(runner, chatId);
  await insertVote(runner, chatId, messageId);
  const documentCreatedAt = new Date('2026-01-02T03:04:05.678Z');
  const documentId = await insertDocument(runner, userId, { createdAt: documentCreatedAt });
  return {
    userId,
    chatId,
    messageId,
    answerId: await insertMessage(runner, chatId, { role: 'assistant' }),
    streamId: await insertStream(runner, chatId, { messageId }),
    documentId,
    documentCreatedAt,
    suggestionId: await insertSuggestion(runner, userId, documentId, { documentCreatedAt }),
    configId: await insertConfig(runner, { updated_by: userId }),
    usageLogId: await insertUsageLog(runner, userId, { chat_id: chatId, metadata: { messageId } }),
    usageModel: `model-${userId}`,
    rateLimitId: await insertRateLimit(runner, userId),
    repositoryId: await insertRepository(runner, userId),
  };
}

/** Of all messages. */
async function insertSummaries(runner: SqlRunner, users: UserRows[]): Promise<void> {
  for (const { chatId } of users)
    await runner.query(
      `insert into switchboard.chat_summaries (chat_id, through_at, through_id, content, tokens, context_tokens, model)
       select "chatId", "createdAt", id, 'They said hello.', 4, 100, 'm' from "Message_v2"
        where "chatId" = $1 order by "createdAt" desc, id desc limit 1`,
      [chatId],
    );
}

/** As calls, the fold and a purge would leave them. */
async function insertUsageSums(runner: SqlRunner, users: UserRows[]): Promise<void> {
  const insertCalls = async () => {
    for (const { userId, usageModel } of users) {
      await insertUsageLog(runner, userId, { model_used: usageModel, response_timestamp: new Date() });
    }
  };
  await insertCalls();
  await runner.query('select switchboard.fold_usage(1000)');
  await runner.query(
    `with purged as (
       delete from usage_logs using (select set_config('switchboard.purging_usage', 'on', true)) as purging
        where model_used = any($1) returning usage_logs.*
     )
     insert into switchboard.usage_archive
     select user_id, date_bin('15 minutes', request_timestamp, '2000-01-01Z'), agent_type, provider, model_used, 'success',
            1, input_tokens, output_tokens, total_tokens, input_cost, output_cost, total_cost from purged`,
    [users.map(({ usageModel }) => usageModel)],
  );
  await insertCalls();
  for (const { userId } of users) {
    const call = {
      id: randomUUID(),
      agentType: 'chat',
      model: 'm',
      provider: 'p',
      requestedAt: '2020-01-01T00:00:00Z',
    };
    await runner.query(
      `insert into switchboard.runs (id, user_id, agent_type, instance_id, expires_at, calls)
       values (gen_random_uuid(), $1, 'chat', 1, now(), $2)`,
      [userId, JSON.stringify({ [call.id]: call })],
    );
  }
}

/** As the indexer would leave it; what is not indexed yet has been noted by triggers. */
async function insertSearchIndex(runner: SqlRunner, users: UserRows[]): Promise<void> {
  for (const { userId, chatId } of users) {
    await runner.query(
      `insert into switchboard.search_groups (user_id, number, width, matrix, chat_ids, from_at, to_at)
       values ($1, 1, 1, decode(repeat('80', 8192), 'hex'), array[$2::uuid], '{2020-01-01}', '{2020-01-01}')`,
      [userId, chatId],
    );
    await runner.query(
      'insert into switchboard.search_due (user_id) values ($1) on conflict (user_id) do nothing',
      [userId],
    );
  }
}
