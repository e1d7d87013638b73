import { randomUUID } from 'node:crypto';
import type { TestUser } from '../support/app.js';
import { type AnswerReader, eventually, userMessage } from '../support/chat-app.js';
import { type ChatServers, prepareChatServers } from '../support/chat-servers.js';
import type { ServerProcess } from '../support/server-process.js';
import { hold, waitingForLocks } from '../support/row-locks.js';
import { answerCalls, messagesOf, resume, saying, send, stop, textOfParts } from '../support/turns.js';
import { usageDifferences } from '../support/usage-sums.js';

/** A message interrupts an answer that another instance is writing, by the same rules as on one instance. */
describe('a message to one of several instances interrupts the answer of another one', () => {
  let servers: ChatServers;
  let owner: ServerProcess;
  let other: ServerProcess;
  let user: TestUser;

  beforeAll(async () => {
    servers = await prepareChatServers();
    [owner, other] = await Promise.all([servers.start(), servers.start()]);
    user = await servers.createUser();
  });

  afterEach(() => servers.double.reset());

  afterAll(() => servers?.close());

  const bodyOf = (chatId: string, message: object) => ({ id: chatId, agent: 'chat', message });

  /** Starts an answer on the owner that stops after `Safe and `. */
  async function begin(
    chatId: string,
    message = userMessage(`question of ${chatId}`),
  ): Promise<AnswerReader> {
    servers.double.enqueue(
      { text: ['Safe ', 'and ', 'sound.'], pauseAfter: 2, usage: { input: 1_000, output: 90 } },
      { when: ({ stream }) => stream },
    );
    const reader = await send(owner, user, bodyOf(chatId, message));
    await reader.until(saying('and '));
    return reader;
  }

  const next = (server: ServerProcess, chatId: string, more: object = {}) =>
    send(server, user, { ...bodyOf(chatId, userMessage('and now')), ...more });

  async function expectInterrupted(chatId: string, reader: AnswerReader): Promise<void> {
    expect((await reader.rest()).text).toBe('You said: and now');
    const messages = await messagesOf(other, user, chatId);
    expect(messages.map(({ status }) => status)).toEqual(['complete', 'stopped', 'complete', 'complete']);
    expect(textOfParts(messages[1]!)).toBe('Safe and ');
    expect(await usageDifferences(servers.database)).toEqual([]);
  }

  it('if the message says so', async () => {
    const chatId = randomUUID();
    const reader = await begin(chatId);
    await expectInterrupted(chatId, await next(other, chatId, { interrupt: true }));
    expect((await reader.rest()).chunks.at(-1)).toEqual({ type: 'abort', reason: 'stopped' });
  });

  it('if nobody reads it', async () => {
    const chatId = randomUUID();
    const reader = await begin(chatId);
    const refused = await next(other, chatId);
    expect(refused.response.status).toBe(409);
    await reader.leave();
    await expectInterrupted(chatId, await next(other, chatId));
  });

  it.each(['the owner', 'the other one', 'a third one'])(
    'not while it is read on another instance: a message to %s',
    async (name) => {
      const chatId = randomUUID();
      const asked = name === 'the owner' ? owner : name === 'the other one' ? other : await servers.start();
      const reader = await begin(chatId);
      const followed = await resume(other, user, chatId);
      await followed.until(saying('and '));
      await untilNoted(chatId, 'array_length("followedBy", 1) = 1');
      await reader.leave();
      await untilNoted(chatId, '"isUnread"');
      const refused = await next(asked, chatId);
      expect(refused.response.status).toBe(409);
      await followed.leave();
      await expectInterrupted(chatId, await next(asked, chatId));
      if (asked !== owner && asked !== other) await asked.stop();
    },
  );

  it('not for the same message', async () => {
    const chatId = randomUUID();
    const message = userMessage('once only', randomUUID());
    const reader = await begin(chatId, message);
    await reader.leave();
    await untilStored(chatId, `parts::text like '%Safe and %'`);
    const again = await send(other, user, { ...bodyOf(chatId, message), interrupt: true });
    servers.double.resume();
    expect((await again.rest()).text).toBe('Safe and sound.');
    expect((await messagesOf(other, user, chatId)).map(({ status }) => status)).toEqual([
      'complete',
      'complete',
    ]);
  });

  it('which is found and stopped while a message is still being refused', async () => {
    const chatId = randomUUID();
    const reader = await begin(chatId);
    const held = await hold(servers.database);
    try {
      await held.query('select from chat where id = $1 for update', [chatId]);
      const refused = next(other, chatId);
      // Other statements may wait as well.
      const opening = '%"lastContext" from chat where id = $1 and user_id = $2 for update%';
      await eventually(async () => (await waitingForLocks(servers.database, opening)) > 0);
      const resumed = resume(other, user, chatId);
      const stopped = stop(other, user, chatId);
      await servers.double.until(() => answerCalls(servers, chatId)[0]?.closedByClient === true);
      await held.release();
      expect(await stopped).toEqual({ stopped: true });
      const message = await refused;
      expect([409, 200]).toContain(message.response.status);
      // The end of the answer may overtake the message in the queue for the lock. The message is then accepted and stopped
      // as well, and its own answer is resumed.
      const isStopped = message.response.ok && (await message.rest()).chunks.at(-1)?.type === 'abort';
      const ends = [await reader.rest(), await (await resumed).rest()];
      expect(ends.map(({ chunks }) => chunks.at(-1))).toEqual(
        Array(2).fill({ type: 'abort', reason: 'stopped' }),
      );
      expect(ends.map(({ text }) => text)).toEqual(['Safe and ', isStopped ? '' : 'Safe and ']);
    } finally {
      await held.release();
    }
  });

  const untilNoted = (chatId: string, condition: string) =>
    eventually(async () => {
      const rows = await servers.database.query(`select from "Stream" where "chatId" = $1 and ${condition}`, [
        chatId,
      ]);
      return rows.length === 1;
    });

  const untilStored = (chatId: string, condition: string) =>
    eventually(async () => {
      const rows = await servers.database.query(
        `select from "Message_v2" where "chatId" = $1 and status = 'streaming' and ${condition}`,
        [chatId],
      );
      return rows.length === 1;
    });
});
