import '../support/measured.js';
import { isCompactionCall } from '../doubles/wire/reply.js';
import type { TestUser } from '../support/app.js';
import { eventually, userMessage } from '../support/chat-app.js';
import { type ChatServers, prepareChatServers } from '../support/chat-servers.js';
import {
  addLongChat,
  answerPrompts,
  compactionCalls,
  LIMIT,
  linesIn,
  summarized,
  summaryOf,
} from '../support/long-chats.js';
import type { ServerProcess } from '../support/server-process.js';
import { send } from '../support/turns.js';

/** Several servers on one database, and the end of one of them while it summarizes a chat. */
describe('a compaction of one of several servers', () => {
  let servers: ChatServers;
  let user: TestUser;
  let first: ServerProcess;
  let second: ServerProcess;

  beforeAll(async () => {
    servers = await prepareChatServers();
    user = await servers.createUser();
    await servers.database.query(
      `update admin_config set config_data = config_data || $1::jsonb where config_key = 'chat_agent_google'`,
      [JSON.stringify({ context: { maxInputTokens: LIMIT } })],
    );
    [first, second] = await Promise.all([servers.start(), servers.start()]);
  });

  afterEach(() => servers.double.reset());
  afterAll(() => servers.close());

  async function say(server: ServerProcess, chatId: string, words: string): Promise<void> {
    const reader = await send(server, user, { id: chatId, agent: 'chat', message: userMessage(words) });
    expect((await reader.rest()).text).toBe(`You said: ${words}`);
  }

  /** A long chat whose summary is being written by the first server, and does not end by itself. */
  async function beginCompaction(): Promise<string> {
    const { chatId } = await addLongChat(servers, user, 30);
    servers.double.enqueue({ text: ['SUMMARY', ' ONE'], pauseAfter: 1 }, { when: isCompactionCall });
    await say(first, chatId, 'Question 1');
    await servers.double.until(() => compactionCalls(servers).some(({ state }) => state === 'held'));
    // The call is noted in the row of its run.
    await eventually(async () => {
      const rows = await servers.database.query(
        `select from switchboard.runs where calls::text like '%"compaction"%' and user_id = $1`,
        [user.id],
      );
      return rows.length === 1;
    });
    return chatId;
  }

  const callsOf = (chatId: string) =>
    servers.database.query(
      `select metadata ->> 'status' as status, input_tokens > 1000 as paid from usage_logs
        where chat_id = $1 and metadata ->> 'purpose' = 'compaction' order by request_timestamp`,
      [chatId],
    );

  it('is the only one of its chat, and all servers use what it has written', async () => {
    const chatId = await beginCompaction();
    for (const words of ['Question 2', 'Question 3']) await say(second, chatId, words);
    expect(compactionCalls(servers)).toHaveLength(1);
    servers.double.resume();
    await summarized(servers, chatId, 'SUMMARY ONE');
    await say(second, chatId, 'Question 4');
    expect(answerPrompts(servers).at(-1)).toContain('SUMMARY ONE');
  });

  it('is left to an instance that is alive, although it holds no lock behind a pooler', async () => {
    const chatId = await beginCompaction();
    const pooled = 1;
    await servers.database.query(
      `insert into switchboard.instances (id, beat_at, steady_since, has_lock)
       values ($1, now() + interval '1 minute', now(), false)`,
      [pooled],
    );
    await servers.database.query('update switchboard.compactions set instance_id = $1 where chat_id = $2', [
      pooled,
      chatId,
    ]);
    await say(second, chatId, 'Question 2');
    await say(second, chatId, 'Question 3');
    expect(compactionCalls(servers)).toHaveLength(1);
    servers.double.resume();
    await summarized(servers, chatId, 'SUMMARY ONE');
    await servers.database.query('delete from switchboard.instances where id = $1', [pooled]);
  });

  it('is booked after kill -9, and happens after a later answer', async () => {
    const chatId = await beginCompaction();
    await first.stop('SIGKILL');
    servers.double.reset();
    servers.double.enqueue({ text: ['SUMMARY TWO'] }, { when: isCompactionCall });
    await say(second, chatId, 'Question 2');
    const { throughId } = await summarized(servers, chatId, 'SUMMARY TWO');
    expect(throughId).toEqual(expect.any(String));
    expect(linesIn(JSON.stringify(compactionCalls(servers)[0]?.body))[0]).toBe(0);
    first = await servers.start();
    await eventually(async () => (await callsOf(chatId)).length === 2);
    expect((await callsOf(chatId)).map(({ status }) => status as string).sort()).toEqual([
      'interrupted',
      'success',
    ]);
    expect((await callsOf(chatId)).map(({ paid }) => paid as boolean)).toContain(true);
  });

  it('ends with its server, is booked, and happens later', async () => {
    const chatId = await beginCompaction();
    await first.stop('SIGTERM');
    expect(await callsOf(chatId)).toEqual([{ status: 'aborted', paid: true }]);
    expect(await summaryOf(servers, chatId)).toBeUndefined();
    servers.double.enqueue({ text: ['SUMMARY TWO'] }, { when: isCompactionCall });
    await say(second, chatId, 'Question 2');
    await summarized(servers, chatId, 'SUMMARY TWO');
  });
});
