import { isCompactionCall } from '../doubles/wire/reply.js';
import { addMessage, text } from '../fixtures/chat-rows.js';
import { planOf, rowsReadOf } from '../support/query-plan.js';
import { sentStatements } from '../support/statements.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, startChatApp } from '../support/chat-app.js';
import {
  addLongChat,
  answerPrompts,
  compacted,
  LIMIT,
  limitChats,
  line,
  linesIn,
  MODELS,
} from '../support/long-chats.js';
import { messagesOf } from '../support/turns.js';

/** Conversations that do not fit into a prompt, and have no summary. */
describe('a conversation that is too long', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
    await app.database.query(
      `update admin_config set config_data = config_data || '{"compaction": {"enabled": false}}' where config_key = 'app_settings'`,
    );
  });

  beforeEach(() => limitChats(app));
  afterEach(async () => {
    app.double.reset();
    await compacted(app, user);
  });
  afterAll(() => app.close());

  const say = (chatId: string, words: string, model = MODELS[0]) =>
    app.say(user, chatId, words, { body: { agent: 'chat', model } });
  const tooLong = { fault: { type: 'status', status: 400 } } as const;
  const callsOf = async (chatId: string) => {
    const rows = await app.database.query(
      `select metadata ->> 'status' as status, input_tokens from usage_logs
        where chat_id = $1 and metadata ->> 'purpose' = 'answer' order by request_timestamp`,
      [chatId],
    );
    return rows as Array<{ status: string; input_tokens: number }>;
  };

  describe.each(MODELS)('for %s', (model) => {
    it('loses its oldest turns as a whole', async () => {
      const { chatId } = await addLongChat(app, user, 100);
      const answer = await say(chatId, 'And now?', model);
      expect([answer.status, answer.text]).toEqual([200, 'You said: And now?']);
      const shown = linesIn(answerPrompts(app).at(-1));
      const [first = 0] = shown;
      expect(first % 2).toBe(0);
      expect(shown).toEqual(shown.map((_, index) => first + index));
      expect(shown.at(-1)).toBe(99);
      // As much as fits: the limit is 4,000 tokens, and a line has about 100.
      expect(shown.length).toBeGreaterThan(20);
      expect(answerPrompts(app).at(-1)?.length).toBeLessThan(LIMIT * 6);
    });

    it('is sent once more with less when the vendor says so, before anybody reads a word', async () => {
      await limitChats(app, null);
      const { chatId } = await addLongChat(app, user, 40);
      app.double.enqueue(tooLong);
      const answer = await say(chatId, 'And now?', model);
      expect([answer.status, answer.text]).toEqual([200, 'You said: And now?']);
      const [all, less] = answerPrompts(app).map(linesIn);
      expect(all).toHaveLength(40);
      expect(less?.length).toBeLessThan(40);
      expect(less?.length).toBeGreaterThan(4);
      expect((less?.[0] ?? 1) % 2).toBe(0);
      expect(less?.at(-1)).toBe(39);
      expect(answerPrompts(app)).toHaveLength(2);
      expect((await callsOf(chatId)).map(({ status }) => status)).toEqual(['error', 'success']);
    });

    it('fails clearly when less is still too long, and is not sent a third time', async () => {
      await limitChats(app, null);
      const { chatId } = await addLongChat(app, user, 40);
      app.double.enqueue(tooLong, { times: 5 });
      const answer = await say(chatId, 'And now?', model);
      expect(answer.status).toBe(502);
      expect(answer.problem.detail).toMatch(/^The conversation has become too long/);
      expect(answerPrompts(app)).toHaveLength(2);
    });

    it('names the message when that alone is too long', async () => {
      // For the configuration, before anything is stored.
      const refused = await say('too-long', line(1).repeat(80), model);
      expect([refused.status, refused.problem.code, refused.problem.errors]).toEqual([
        413,
        'payload_too_large',
        [{ path: 'message', message: `is longer than what ${model} may be sent here` }],
      ]);
      expect(answerPrompts(app)).toHaveLength(0);
      expect((await app.request('GET', '/api/chats/too-long', { user })).status).toBe(404);

      // For the vendor, who counts otherwise.
      await limitChats(app, null);
      app.double.enqueue(tooLong, { times: 5 });
      const again = await say('too-long', 'A message', model);
      expect([again.status, again.problem.code, again.problem.errors?.[0]?.path]).toEqual([
        413,
        'payload_too_large',
        'message',
      ]);
      expect(answerPrompts(app)).toHaveLength(1);
      app.double.reset();
      expect((await say('too-long', 'Another message', model)).status).toBe(200);
      await app.request('DELETE', '/api/chats/too-long', { user });
    });
  });

  it('is also shortened when the first event of a stream says that it is too long', async () => {
    await limitChats(app, null);
    const { chatId } = await addLongChat(app, user, 40);
    app.double.enqueue({ fault: { type: 'error-frame', chunks: 0, reason: 'context-length' } });
    const answer = await say(chatId, 'And now?', MODELS[1]);
    expect([answer.status, answer.text]).toEqual([200, 'You said: And now?']);
    expect(answerPrompts(app).map((prompt) => linesIn(prompt).length > 30)).toEqual([true, false]);
  });

  it('is compared with what the last call has reported, not with an estimate alone', async () => {
    const { chatId } = await addLongChat(app, user, 20);
    // About 2,300 tokens by any estimate; the vendor counts more.
    app.double.enqueue({ text: ['Yes.'], usage: { input: 3_900, output: 200 } });
    await say(chatId, 'Question 1', MODELS[1]);
    expect(linesIn(answerPrompts(app).at(-1))).toHaveLength(20);
    await say(chatId, 'Question 2', MODELS[1]);
    const shown = linesIn(answerPrompts(app).at(-1));
    expect(shown.length).toBeLessThan(20);
    // Another model counts for itself.
    await say(chatId, 'Question 3', MODELS[0]);
    expect(linesIn(answerPrompts(app).at(-1))).toHaveLength(20);
  });

  it('keeps a tool call with its result', async () => {
    const { chatId } = await addLongChat(app, user, 30);
    const at = (minutes: number) => new Date(Date.now() - 3_600_000 + minutes * 60_000).toISOString();
    for (let turn = 0; turn < 12; turn++) {
      await addMessage(app, chatId, { role: 'user', parts: [text(`Look ${turn}`)], createdAt: at(turn * 2) });
      const call = { type: 'tool-weather', toolCallId: `call_${turn}`, state: 'output-available' };
      const tool = { ...call, input: { city: 'Rome' }, output: { sky: 'clear as glass '.repeat(150) } };
      await addMessage(app, chatId, {
        parts: [{ type: 'step-start' }, tool, { type: 'step-start' }, text('Fine.')],
        createdAt: at(turn * 2 + 1),
      });
    }
    for (const model of MODELS) {
      expect((await say(chatId, 'And now?', model)).status).toBe(200);
      const prompt = answerPrompts(app).at(-1) ?? '';
      const looks = [...prompt.matchAll(/Look (\d+)/g)].map(([, number]) => Number(number));
      expect(looks.length).toBeGreaterThan(2);
      expect(looks.length).toBeLessThan(12);
      expect(prompt.match(/clear as glass clear/g)?.length).toBeGreaterThan(0);
      expect(linesIn(prompt)).toEqual([]);
    }
  });

  it('can be answered again with a model that may be sent more', async () => {
    await limitChats(app, null);
    await say('grown', line(1).repeat(80), MODELS[1]);
    await limitChats(app);
    const body = { id: 'grown', trigger: 'regenerate-message', agent: 'chat', model: MODELS[1] };
    const refused = await app.post(user, body);
    expect([refused.status, refused.problem.code]).toEqual([413, 'payload_too_large']);
    expect((await messagesOf(app, user, 'grown')).at(-1)?.status).toBe('failed');
    await limitChats(app, null);
    expect((await app.post(user, body)).status).toBe(200);
  });
});

/** What a turn reads of a chat does not grow with the chat. */
describe('a chat of 10,000 messages', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
  });

  afterAll(() => app.close());

  /** The rows of messages that PostgreSQL looks at for a turn in this chat, and the blocks that it reads. */
  async function readBy(chatId: string, body: object = {}): Promise<{ rows: number; blocks: number }> {
    const found: Array<{ text: string; parameters: unknown[] }> = [];
    await sentStatements(
      async () => {
        const answer = await app.say(user, chatId, 'And now?', { body: { agent: 'chat', ...body } });
        expect(answer.status).toBe(200);
      },
      (text, parameters) => {
        if (text.includes('text_before')) found.push({ text, parameters });
      },
    );
    await compacted(app, user);
    let rows = 0;
    let blocks = 0;
    for (const { text: sql, parameters } of found) {
      const plan = await planOf(app.database, sql, parameters);
      blocks += plan['Shared Hit Blocks'] + plan['Shared Read Blocks'];
      rows += rowsReadOf('Message_v2', plan);
    }
    expect(found.length).toBeGreaterThan(0);
    return { rows, blocks };
  }

  it('is read as far as a chat of ten when it has a summary', async () => {
    const small = await addLongChat(app, user, 10);
    const { chatId, ids } = await addLongChat(app, user, 10_000);
    await app.database.query('analyze "Message_v2"');
    await app.database.query(
      `insert into switchboard.chat_summaries (chat_id, through_at, through_id, content, tokens, context_tokens, model)
       select "chatId", "createdAt", id, 'SUMMARY ONE', 4, 1000, 'google/gemini-2.5-flash-lite' from "Message_v2" where id = $1`,
      [ids[9_989]],
    );
    const ofTen = await readBy(small.chatId);
    const ofMany = await readBy(chatId);
    expect(answerPrompts(app).at(-1)).toContain('SUMMARY ONE');
    expect(ofTen.rows).toBeGreaterThanOrEqual(10);
    expect(ofMany.rows).toBeLessThanOrEqual(ofTen.rows * 2);
    expect(ofMany.blocks).toBeLessThanOrEqual(ofTen.blocks * 2);
  });

  it('is read in part when it has none', async () => {
    const { chatId, ids } = await addLongChat(app, user, 10_000);
    await app.database.query('analyze "Message_v2"');
    expect((await readBy(chatId)).rows).toBeLessThanOrEqual(1_000);
    // Also for a question in its middle.
    const body = { trigger: 'regenerate-message', messageId: ids[5_001], messages: [] };
    const read = await readBy(chatId, body);
    expect(read.rows).toBeLessThanOrEqual(1_000);
  });

  it('is not sent in full to a model that may be sent little', async () => {
    await limitChats(app);
    const { chatId } = await addLongChat(app, user, 2_000, { text: line(0).repeat(40) });
    app.double.enqueue({ text: ['SUMMARY'] }, { when: isCompactionCall, times: 100 });
    const sent = await sentRows(chatId);
    // The text of a line is 20,000 characters. 256 KB are read at least.
    expect(sent).toBeLessThan(30);
    expect(sent).toBeGreaterThan(1);
  });

  /** The messages that leave the database for a turn. */
  async function sentRows(chatId: string): Promise<number> {
    let rows = 0;
    await sentStatements(
      async () => {
        await app.say(user, chatId, 'And now?', { body: { agent: 'chat' } });
      },
      (text, _parameters, result) => {
        if (text.includes('text_before')) void result.then((found) => (rows += found.rows.length));
      },
    );
    await compacted(app, user);
    return rows;
  }
});
