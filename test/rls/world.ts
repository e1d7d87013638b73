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
  /** Has a vote, and a stream. */
  messageId: string;
  /** Has no vote. */
  answerId: string;
  streamId: string;
  documentId: string;
  documentCreatedAt: Date;
  suggestionId: string;
  /** A configuration that the user was the last to change. */
  configId: string;
  usageLogId: string;
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
  return {
    owner: await insertUserRows(runner),
    other: await insertUserRows(runner),
    admin: await insertUserRows(runner, 'admin'),
  };
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
    rateLimitId: await insertRateLimit(runner, userId),
    repositoryId: await insertRepository(runner, userId),
  };
}
