import { DataSource, type EntityTarget, type ObjectLiteral } from 'typeorm';
import { AdminConfigEntity } from '../../src/modules/admin-config/entities/admin-config.entity.js';
import { ChatEntity } from '../../src/modules/chat/entities/chat.entity.js';
import { StreamEntity } from '../../src/modules/chat/entities/stream.entity.js';
import { VoteEntity } from '../../src/modules/chat/entities/vote.entity.js';
import { DocumentEntity } from '../../src/modules/documents/entities/document.entity.js';
import { GithubRepositoryEntity } from '../../src/modules/github/entities/github-repository.entity.js';
import { MessageEntity } from '../../src/modules/messages/entities/message.entity.js';
import { RateLimitTrackingEntity } from '../../src/modules/rate-limit/entities/rate-limit-tracking.entity.js';
import { SuggestionEntity } from '../../src/modules/suggestions/entities/suggestion.entity.js';
import { UsageLogEntity } from '../../src/modules/usage/entities/usage-log.entity.js';
import { insertChat, insertDocument, insertMessage, insertUser } from '../fixtures/rows.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

const ENTITIES = [
  ChatEntity,
  VoteEntity,
  StreamEntity,
  MessageEntity,
  DocumentEntity,
  SuggestionEntity,
  AdminConfigEntity,
  UsageLogEntity,
  RateLimitTrackingEntity,
  GithubRepositoryEntity,
];

const AT = new Date('2026-02-03T04:05:06.789Z');

describe('entities', () => {
  let database: TestDatabase;
  let dataSource: DataSource;
  let userId: string;
  let chatId: string;
  let messageId: string;
  let documentId: string;

  beforeAll(async () => {
    database = await createTestDatabase();
    dataSource = await new DataSource({
      type: 'postgres',
      url: database.url,
      entities: ENTITIES,
    }).initialize();
    userId = await insertUser(database);
    chatId = await insertChat(database, userId);
    messageId = await insertMessage(database, chatId);
    documentId = await insertDocument(database, userId, { createdAt: AT });
  });

  afterAll(async () => {
    await dataSource?.destroy();
    await database?.drop();
  });

  /** Writes with TypeORM, reads with TypeORM. */
  async function roundTrip<T extends ObjectLiteral>(
    target: EntityTarget<T>,
    values: Partial<T>,
    key: Partial<T>,
  ): Promise<T> {
    const repository = dataSource.getRepository(target);
    // TypeORM writes generated values into the given object.
    await repository.insert({ ...values });
    return repository.findOneByOrFail(key);
  }

  it.each(ENTITIES)('%p knows every column of its table, with its type', async (entity) => {
    const { tableName, columns } = dataSource.getMetadata(entity);
    const described = columns.map((column) => ({
      name: column.databaseName,
      type: dataSource.driver
        .createFullType({
          type: dataSource.driver.normalizeType(column),
          length: column.length,
          precision: column.precision,
          scale: column.scale,
          isArray: column.isArray,
        } as never)
        .toLowerCase()
        .replace(' array', '[]'),
      nullable: column.isNullable,
      primary: column.isPrimary,
    }));
    const actual = await database.query(
      `select attname as name, format_type(atttypid, atttypmod) as type, not attnotnull as nullable,
              coalesce(attnum = any(conkey), false) as "primary"
         from pg_attribute left join pg_constraint on conrelid = attrelid and contype = 'p'
        where attrelid = $1::regclass and attnum > 0 and not attisdropped`,
      [`public."${tableName}"`],
    );
    const byName = (a: { name: string }, b: { name: string }) => (a.name < b.name ? -1 : 1);
    expect(described.sort(byName)).toEqual(actual.sort(byName));
  });

  it('writes and reads a chat', async () => {
    const id = '00000000-0000-4000-8000-000000000001';
    const chat = await roundTrip(
      ChatEntity,
      { id, userId, createdAt: AT, visibility: 'public', lastContext: { a: 1 }, totalCost: 1.234567 },
      { id },
    );
    expect(chat).toMatchObject({
      userId,
      title: 'New chat',
      createdAt: AT,
      visibility: 'public',
      lastContext: { a: 1 },
      totalInputTokens: 0,
      totalOutputTokens: 0,
      totalCost: 1.234567,
      updatedAt: expect.any(Date),
    });
    await dataSource.getRepository(ChatEntity).update({ id }, { title: 'Renamed', totalCost: 0.000001 });
    expect(await dataSource.getRepository(ChatEntity).findOneBy({ id })).toMatchObject({
      title: 'Renamed',
      totalCost: 0.000001,
    });
  });

  it('writes and reads a message', async () => {
    const id = '00000000-0000-4000-8000-000000000002';
    const parts = [{ type: 'text', text: 'Grüße 🙂' }];
    expect(
      await roundTrip(
        MessageEntity,
        {
          id,
          chatId,
          role: 'assistant',
          parts,
          createdAt: AT,
          modelUsed: 'm',
          inputTokens: 3,
          cost: 0.5,
          finishReason: 'length',
        },
        { id },
      ),
    ).toEqual({
      id,
      chatId,
      role: 'assistant',
      parts,
      attachments: [],
      createdAt: AT,
      modelUsed: 'm',
      inputTokens: 3,
      outputTokens: 0,
      cost: 0.5,
      status: 'complete',
      finishReason: 'length',
      metadata: null,
    });
  });

  it('writes and reads a vote', async () => {
    expect(await roundTrip(VoteEntity, { chatId, messageId, isUpvoted: false }, { messageId })).toEqual({
      chatId,
      messageId,
      isUpvoted: false,
    });
  });

  it('writes and reads a stream', async () => {
    const id = '00000000-0000-4000-8000-000000000003';
    expect(
      await roundTrip(StreamEntity, { id, chatId, messageId, createdAt: AT, instanceId: 7 }, { id }),
    ).toEqual({
      id,
      chatId,
      messageId,
      createdAt: AT,
      instanceId: 7,
      isStopping: false,
      isUnread: false,
      followedBy: null,
    });
  });

  it('writes and reads a document by its composite key', async () => {
    const id = '00000000-0000-4000-8000-000000000004';
    const version = { id, createdAt: AT };
    expect(
      await roundTrip(DocumentEntity, { ...version, userId, title: 'T', content: 'C' }, version),
    ).toEqual({
      ...version,
      userId,
      title: 'T',
      content: 'C',
      kind: 'text',
    });
  });

  it('writes and reads a suggestion for a version', async () => {
    const id = '00000000-0000-4000-8000-000000000005';
    const values = { id, documentId, documentCreatedAt: AT, userId, originalText: 'a', suggestedText: 'b' };
    expect(await roundTrip(SuggestionEntity, { ...values, createdAt: AT }, { id })).toEqual({
      ...values,
      description: null,
      isResolved: false,
      createdAt: AT,
    });
  });

  it('writes and reads a configuration', async () => {
    const values = { configKey: 'entity_test', configData: { nested: [1, { a: null }] }, updatedBy: userId };
    const config = await roundTrip(AdminConfigEntity, values, { configKey: 'entity_test' });
    expect(config).toEqual({
      ...values,
      id: expect.any(String),
      createdAt: expect.any(Date),
      updatedAt: expect.any(Date),
      version: 1,
    });
  });

  it('writes and reads a usage log', async () => {
    const id = '00000000-0000-4000-8000-000000000006';
    const values = {
      id,
      userId,
      chatId,
      agentType: 'git_mcp' as const,
      modelUsed: 'm',
      provider: 'p',
      inputTokens: 1,
      outputTokens: 2,
      totalTokens: 3,
      inputCost: 0.1,
      outputCost: 0.2,
      totalCost: 9999.999999,
      requestTimestamp: AT,
      responseTimestamp: AT,
      durationMs: 0,
      metadata: { status: 'success' },
    };
    expect(await roundTrip(UsageLogEntity, values, { id })).toEqual(values);
  });

  it('writes and reads a rate limit', async () => {
    const id = '00000000-0000-4000-8000-000000000007';
    const values = {
      id,
      userId,
      agentType: 'chat' as const,
      limitType: 'daily' as const,
      periodStart: AT,
      periodEnd: new Date(AT.getTime() + 86_400_000),
      limitValue: 5,
    };
    expect(await roundTrip(RateLimitTrackingEntity, values, { id })).toEqual({
      ...values,
      requestCount: 0,
      createdAt: expect.any(Date),
    });
  });

  it('writes and reads a repository', async () => {
    const id = '00000000-0000-4000-8000-000000000008';
    const values = { id, userId, repoOwner: 'o', repoName: 'n', repoUrl: 'https://github.com/o/n' };
    expect(await roundTrip(GithubRepositoryEntity, values, { id })).toEqual({
      ...values,
      defaultBranch: 'main',
      isActive: true,
      lastAccessed: null,
      createdAt: expect.any(Date),
    });
  });
});
