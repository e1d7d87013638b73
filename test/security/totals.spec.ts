import { addChat } from '../fixtures/chat-rows.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, startChatApp, userMessage } from '../support/chat-app.js';
import { Database } from '../../src/common/database/database.js';
import { toBooks } from '../../src/modules/usage/books.js';
import { UsageService } from '../../src/modules/usage/usage.service.js';
import type { FinishedCall } from '../../src/modules/usage/usage.types.js';
import { messagesOf, readChat, saying, storedAnswer, textOfParts } from '../support/turns.js';

const LARGEST = 2_147_483_647;

const TOKENS = {
  inputTokens: 1,
  outputTokens: 1,
  cachedInputTokens: 0,
  cacheWriteTokens: 0,
  reasoningTokens: 0,
};
const COST = {
  inputCost: '0.1',
  outputCost: '0.1',
  totalCost: '0.2',
  unrounded: { inputCost: '0', outputCost: '0', totalCost: '0' },
};

/** Totals stop at the maximum of their column, so that no sum fails the end of an answer. */
describe('totals at their maximum', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
  });

  beforeEach(async () => {
    user = await app.createUser();
  });

  afterAll(() => app.close());

  it('let an answer end, and its usage be recorded', async () => {
    const chatId = await addChat(app, user);
    app.double.enqueue({ text: ['Full ', 'house.'], pauseAfter: 1, usage: { input: 1_000, output: 300 } });
    const reader = await app.open(user, { id: chatId, agent: 'chat', message: userMessage('add it up') });
    await reader.until(saying('Full '));
    await app.database.query(
      `update chat set total_input_tokens = $2, total_output_tokens = $2, total_cost = 9999.999999 where id = $1`,
      [chatId, LARGEST],
    );
    await app.database.query(
      `update "Message_v2" set input_tokens = $2, output_tokens = $2, cost = 9999.999999 where "chatId" = $1`,
      [chatId, LARGEST],
    );
    app.double.resume();
    const answer = await reader.rest();
    expect(answer.chunks.at(-1)).toMatchObject({ type: 'finish' });

    const [, stored] = await messagesOf(app, user, chatId);
    expect(stored).toMatchObject({ status: 'complete', inputTokens: LARGEST, outputTokens: LARGEST });
    expect(textOfParts(stored!)).toBe('Full house.');
    expect(await readChat(app, user, chatId)).toMatchObject({
      isStreaming: false,
      totalInputTokens: LARGEST,
      totalOutputTokens: LARGEST,
      totalCost: 9999.999999,
    });
    const [call] = await app.database.query(
      `select input_tokens, output_tokens, total_cost::float as cost, response_timestamp is not null as ended
         from usage_logs where chat_id = $1 and metadata ->> 'purpose' = 'answer'`,
      [chatId],
    );
    expect(call).toEqual({ input_tokens: 1_000, output_tokens: 300, cost: 0.00105, ended: true });
    const [spent] = await app.database.query(
      `select sum(cost)::float as cost from switchboard.daily_spending where user_id = $1 and agent_type = 'chat'`,
      [user.id],
    );
    expect(spent.cost).toBeGreaterThanOrEqual(0.00105);
  });

  const callOf = (figures: Partial<FinishedCall> = {}): FinishedCall => ({
    id: crypto.randomUUID(),
    userId: user.id,
    agentType: 'chat',
    model: 'gemini-2.5-flash',
    provider: 'google',
    requestedAt: new Date(),
    respondedAt: new Date(),
    durationMs: 5,
    metadata: { purpose: 'answer', requestId: 'r', ownKey: false, status: 'success' },
    tokens: TOKENS,
    cost: COST,
    ...figures,
  });
  const manyTokens = (count: number) => ({ ...TOKENS, inputTokens: count, outputTokens: count });
  const cost = (value: string) => ({ ...COST, inputCost: value, outputCost: value, totalCost: value });

  it.each<[string, Partial<FinishedCall>, object]>([
    [
      'more tokens than the column holds',
      { tokens: manyTokens(3e9) },
      { input_tokens: LARGEST, total_tokens: LARGEST },
    ],
    [
      'tokens whose sum is more',
      { tokens: manyTokens(2e9) },
      { input_tokens: 2_000_000_000, total_tokens: LARGEST },
    ],
    ['absurdly many tokens', { tokens: manyTokens(1e30) }, { output_tokens: LARGEST, total_tokens: LARGEST }],
    ['tokens below zero', { tokens: manyTokens(-5) }, { input_tokens: 0, total_tokens: 0 }],
    ['a cost that is too large', { cost: cost('123456.7') }, { total_cost: '9999.999999' }],
    ['a cost below zero', { cost: cost('-1') }, { total_cost: '0.000000' }],
    ['a clock that went back', { durationMs: -600_000 }, { duration_ms: 0 }],
    ['a call of a month', { durationMs: 3e9 }, { duration_ms: LARGEST }],
    ['a long name of its model', { model: 'm'.repeat(300) }, { model_used: 'm'.repeat(200) }],
    ['a long name of its provider', { provider: 'p'.repeat(100) }, { provider: 'p'.repeat(64) }],
    [
      'metadata that no database text may hold',
      { metadata: { purpose: 'a\u0000b', requestId: '\ud800', ownKey: false, status: 'success' } },
      { output_tokens: 1 },
    ],
  ])('record a call with %s', async (_, figures, expected) => {
    const call = callOf({ ...figures, userId: user.id });
    const database = app.app.get(Database);
    const booking = { calls: toBooks([call]), isOver: true };
    await database
      .batch()
      .add(app.app.get(UsageService, { strict: false }).bookStatement(booking))
      .commit();
    const rows = await app.database.query('select * from usage_logs where id = $1', [call.id]);
    expect(rows).toMatchObject([expected]);
    expect(rows[0].response_timestamp).not.toBeNull();
  });

  it('do not lose the end of an answer if a call cannot be recorded at all', async () => {
    const chatId = await addChat(app, user);
    app.double.enqueue({ text: ['Kept ', 'anyway.'], pauseAfter: 1 });
    const reader = await app.open(user, { id: chatId, agent: 'chat', message: userMessage('and now') });
    await reader.until(saying('Kept '));
    await app.database.query(`
      create function public.refuse() returns trigger language plpgsql as $fn$
      begin raise exception 'the books are closed'; end $fn$;
      create trigger refuse before insert or update on usage_logs for each row execute function public.refuse()`);
    try {
      app.double.resume();
      expect((await reader.rest()).chunks.at(-1)).toMatchObject({ type: 'finish' });
      const answer = await storedAnswer(app, user, chatId);
      expect([answer.status, textOfParts(answer)]).toEqual(['complete', 'Kept anyway.']);
      expect(app.log()).toContain('The end of model calls could not be recorded.');
    } finally {
      await app.database.query('drop function public.refuse() cascade');
    }
  });

  it('report to the client if the end cannot be stored', async () => {
    const chatId = await addChat(app, user);
    app.double.enqueue({ text: ['Not ', 'kept.'], pauseAfter: 1, usage: { input: 10, output: 3 } });
    const reader = await app.open(user, { id: chatId, agent: 'chat', message: userMessage('truly') });
    await reader.until(saying('Not '));
    await app.database.query(`
      create function public.refuse() returns trigger language plpgsql as $fn$
      begin raise exception 'not these parts'; end $fn$;
      create trigger refuse before update on "Message_v2" for each row
        when (new.parts::text like '%kept.%') execute function public.refuse()`);
    try {
      app.double.resume();
      expect((await reader.rest()).chunks.at(-1)).toMatchObject({ type: 'error' });
      const answer = await storedAnswer(app, user, chatId);
      expect(answer.status).toBe('failed');
      // Its cost is recorded nevertheless.
      const [call] = await app.database.query(
        `select input_tokens from usage_logs where chat_id = $1 and metadata ->> 'purpose' = 'answer'`,
        [chatId],
      );
      expect(call).toEqual({ input_tokens: 10 });
    } finally {
      await app.database.query('drop function public.refuse() cascade');
    }
  });
});
