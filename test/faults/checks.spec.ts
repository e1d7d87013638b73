import { randomUUID } from 'node:crypto';
import { insertChat, insertMessage, insertStream, insertUser } from '../fixtures/rows.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { type Examined, examine, type Findings } from './checks.js';
import type { Turn } from './load.js';

/** The fault suite finds what it looks for. */
describe('the checks after a fault', () => {
  let database: TestDatabase;
  let userId: string;

  beforeAll(async () => {
    database = await createTestDatabase();
  });

  beforeEach(async () => {
    await database.query('delete from auth.users');
    userId = await insertUser(database);
  });

  afterAll(() => database?.drop());

  const findings = (turns: Turn[] = [], stage: Partial<Examined> = {}): Promise<Findings> =>
    examine({ database, servers: [], ended: [], output: () => '', ...stage }, turns, new Map(), {
      refusesCalls: false,
      settling: 0,
    });

  const turnIn = (chatId: string, changes: Partial<Turn> = {}): Turn => ({
    user: { id: userId, email: '', token: '', headers: { authorization: '' } },
    chatId,
    messageId: randomUUID(),
    mark: `@${randomUUID()}@`,
    words: ['word'],
    isAcknowledged: true,
    isSpoiled: false,
    isDisturbed: false,
    ...changes,
  });

  const parts = (text: string) => [{ type: 'text', text }];
  const ask = (chatId: string, { mark }: Turn) => insertMessage(database, chatId, { parts: parts(mark) });
  const answer = (chatId: string, { mark }: Turn, text = 'word', status = 'complete') =>
    insertMessage(database, chatId, { role: 'assistant', parts: parts(`${mark} ${text}`), status });

  it('find nothing where nothing is wrong', async () => {
    const chatId = await insertChat(database, userId);
    const turn = turnIn(chatId);
    turn.words = [`${turn.mark} `, 'word'];
    turn.told = { status: 'complete', text: `${turn.mark} word` };
    await ask(chatId, turn);
    await answer(chatId, turn);
    expect(await findings([turn, turnIn(chatId, { isDisturbed: true })])).toEqual({
      lost: [],
      stuck: [],
      others: [],
    });
  });

  it('find lost and doubled messages', async () => {
    const chatId = await insertChat(database, userId);
    const [gone, asked, twice, cut] = [turnIn(chatId), turnIn(chatId), turnIn(chatId), turnIn(chatId)];
    for (const turn of [asked, cut]) turn.told = { status: 'complete', text: `${turn.mark} word` };
    await ask(chatId, asked);
    await ask(chatId, twice);
    await ask(chatId, twice);
    await ask(chatId, cut);
    await answer(chatId, cut, 'wo', 'interrupted');
    expect((await findings([gone, asked, twice, cut])).lost).toEqual([
      'an acknowledged question is not stored',
      'an answer is not stored that was told complete',
      'a question is stored 2 times',
      'an answer is interrupted, and was told complete',
    ]);
  });

  it('find what is stuck', async () => {
    const chatId = await insertChat(database, userId);
    const messageId = await answer(chatId, turnIn(chatId), '', 'streaming');
    await insertStream(database, chatId, { messageId });
    await database.query(
      `insert into switchboard.runs (id, user_id, agent_type, instance_id, expires_at)
       values (gen_random_uuid(), $1, 'chat', 1, now())`,
      [userId],
    );
    expect((await findings()).stuck).toEqual(['1 streaming answers', '1 marks of streams', '1 reservations']);
  });

  it('find books that do not add up, and servers that ended', async () => {
    const chatId = await insertChat(database, userId, { total_input_tokens: 5 });
    await insertMessage(database, chatId, { role: 'assistant', input_tokens: 5 });
    await database.query(`insert into switchboard.daily_spending values ($1, 'chat', current_date, 1)`, [
      userId,
    ]);
    const stage = { ended: ['a server ended with 1'], output: () => 'Unhandled rejection' };
    expect((await findings([], stage)).others).toEqual([
      '1 chats whose totals differ from their calls',
      '1 answers whose figures differ from their calls',
      '1 users whose spending differs from their calls',
      'a server ended with 1',
      'a server printed an unhandled error',
    ]);
  });

  it('find turns that are counted twice', async () => {
    const chatId = await insertChat(database, userId);
    const messageId = await answer(chatId, turnIn(chatId));
    await database.query(
      `insert into usage_logs (user_id, chat_id, agent_type, model_used, provider, response_timestamp, metadata)
       values ($1, $2, 'chat', 'm', 'google', now(), jsonb_build_object('purpose', 'answer', 'status', 'success', 'messageId', $3::text))`,
      [userId, chatId, messageId],
    );
    await database.query(
      `insert into rate_limit_tracking (user_id, agent_type, limit_type, period_start, period_end, request_count, limit_value)
       values ($1, 'chat', 'hourly', date_trunc('hour', now()), date_trunc('hour', now()) + interval '1 hour', 2, 100)`,
      [userId],
    );
    expect((await findings()).others).toEqual(["a user's limit counted 2 turns of 1 to 1"]);
  });
});
