import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient } from '@redis/client';
import type { TestUser } from '../support/app.js';
import { type AnswerReader, eventually, textOfChunks, userMessage } from '../support/chat-app.js';
import { type ChatServers, prepareChatServers } from '../support/chat-servers.js';
import { HAS_REDIS, RedisServer } from '../support/redis.js';
import type { ServerProcess } from '../support/server-process.js';
import { answerCalls, messagesOf, resume, saying, send, stop, textOfParts } from '../support/turns.js';

if (!HAS_REDIS)
  process.stderr.write('Left out: tests with Redis. Install redis-server or valkey-server to run them.\n');

const AWAY = 'Redis does not answer';
const BACK = 'Redis answers again';

/** Two servers on one database, with Redis between them. */
(HAS_REDIS ? describe : describe.skip)('with Redis, two instances', () => {
  let redis: RedisServer;
  let servers: ChatServers;
  let owner: ServerProcess;
  let other: ServerProcess;
  let user: TestUser;

  beforeAll(async () => {
    redis = await RedisServer.start();
    servers = await prepareChatServers();
    const environment = { REDIS_URL: redis.url };
    [owner, other] = await Promise.all([servers.start(environment), servers.start(environment)]);
    user = await servers.createUser();
  });
  afterEach(() => servers.double.reset());
  afterAll(async () => {
    await servers?.close();
    await redis?.stop();
  });

  const bodyOf = (chatId: string) => ({
    id: chatId,
    agent: 'chat',
    message: userMessage(`question of ${chatId}`),
  });

  /** An answer of the owner with this many words, one in 30 ms. */
  async function begin(chatId: string, words = 1_000): Promise<AnswerReader> {
    const text = Array.from({ length: words }, (_, index) => `word${index} `);
    servers.double.enqueue({ text, chunkDelayMs: 30 }, { when: ({ stream }) => stream });
    const reader = await send(owner, user, bodyOf(chatId));
    await reader.until(saying('word5 '));
    return reader;
  }

  /** The number of the last word, or -1. */
  const wordsIn = (chunks: AnswerReader['chunks']) => textOfChunks(chunks).split(' ').length - 2;
  const until = (reader: AnswerReader, word: number) => reader.until((chunks) => wordsIn(chunks) >= word);

  /** How much later the one reads the next words than the other, in milliseconds: the median. */
  async function lagBehind(live: AnswerReader, followed: AnswerReader, words: number): Promise<number> {
    const first = Math.max(wordsIn(live.chunks), wordsIn(followed.chunks)) + 1;
    const timesOf = async (reader: AnswerReader) => {
      const times: number[] = [];
      for (let word = first; word < first + words; word++) {
        await until(reader, word);
        times.push(performance.now());
      }
      return times;
    };
    const [there, here] = await Promise.all([timesOf(live), timesOf(followed)]);
    const lags = here.map((time, index) => time - there[index]!).toSorted((a, b) => a - b);
    return lags[Math.floor(lags.length / 2)]!;
  }

  async function query<T>(ask: (client: ReturnType<typeof createClient>) => Promise<T>): Promise<T> {
    const client = createClient({ url: redis.url });
    await client.connect();
    try {
      return await ask(client);
    } finally {
      client.destroy();
    }
  }

  const logsInRedis = () => query((client) => client.keys('switchboard:stream:*'));

  async function expectAllOf(live: AnswerReader, followed: AnswerReader, words: number): Promise<void> {
    const [there, here] = await Promise.all([live.rest(), followed.rest()]);
    expect(here.text.split(' ').slice(0, -1)).toEqual(
      Array.from({ length: words }, (_, index) => `word${index}`),
    );
    expect([here.done, here.chunks.at(-1)]).toEqual([true, there.chunks.at(-1)]);
    expect(here.chunks.filter(({ type }) => type === 'text-start' || type === 'text-end')).toHaveLength(2);
    expect(here.chunks.filter(({ type }) => type === 'start' || type === 'finish')).toHaveLength(2);
  }

  it('show an answer that the other one writes: everything, and then live', async () => {
    const chatId = randomUUID();
    const live = await begin(chatId, 60);
    const followed = await resume(other, user, chatId);
    await until(followed, 5);
    const lag = await lagBehind(live, followed, 30);
    process.stdout.write(`A follower through Redis is ${lag.toFixed(1)} ms behind (median).\n`);
    expect(lag).toBeLessThan(50);
    await expectAllOf(live, followed, 60);
    // What readers of the owner get, with its deltas joined differently.
    const kinds = (chunks: AnswerReader['chunks']) =>
      chunks.filter(({ type }) => type !== 'text-delta' && type !== 'data-chat-title');
    expect(kinds(followed.chunks)).toEqual(kinds(live.chunks));
    await eventually(async () => (await logsInRedis()).length === 0);
  });

  it('read any number of answers over one blocking connection, and keep nothing of them in Redis', async () => {
    const chats = Array.from({ length: 10 }, () => randomUUID());
    const live = await Promise.all(chats.map((chatId) => begin(chatId, 60)));
    const followed = await Promise.all(
      chats.flatMap((chatId) => Array.from({ length: 20 }, () => resume(other, user, chatId))),
    );
    const reading = Promise.all(followed.map((reader) => reader.rest()));
    expect(await logsInRedis()).toHaveLength(chats.length);
    const clients = await query((client) => client.clientList());
    // Each instance has one for commands and one that waits.
    expect(clients.length - 1).toBe(4);
    for (const { text, done } of await reading) expect([text.split(' ').length, done]).toEqual([61, true]);
    await Promise.all(live.map((reader) => reader.rest()));
    await eventually(async () => (await logsInRedis()).length === 0);
  }, 30_000);

  it.each([
    ['is killed and started again', () => redis.stop(), () => redis.start()],
    ['hangs', () => redis.freeze(), () => redis.thaw()],
    ['loses everything', () => query((client) => client.flushAll()), () => undefined],
  ] as Array<[string, () => unknown, () => unknown]>)(
    'fall back to checkpoints when Redis %s, and return to it',
    async (_how, away, back) => {
      const before = [owner, other].map((server) => server.output().length);
      const chatId = randomUUID();
      const live = await begin(chatId, 320);
      const followed = await resume(other, user, chatId);
      await until(followed, 20);
      await away();
      const since = performance.now();
      await Promise.all([until(live, 110), until(followed, 110)]);
      // 90 words take 2.7 seconds. The owner does not wait for Redis, and the checkpoints are a second behind.
      expect(performance.now() - since).toBeLessThan(8_000);
      await back();
      await eventually(async () => (await logsInRedis()).length === 1);
      await sleep(500);
      await Promise.all([until(live, 200), until(followed, 200)]);
      expect(await lagBehind(live, followed, 20)).toBeLessThan(50);
      await expectAllOf(live, followed, 320);
      const told = [owner, other].map((server, index) => server.output().slice(before[index]));
      for (const output of told) {
        expect(output.split(AWAY).length - 1).toBeLessThanOrEqual(1);
        expect(output.split(BACK).length).toBe(output.split(AWAY).length);
      }
    },
    40_000,
  );

  it('end an answer whose instance was killed, with what is stored', async () => {
    const chatId = randomUUID();
    const victim = await servers.start({ REDIS_URL: redis.url });
    const text = Array.from({ length: 400 }, (_, index) => `word${index} `);
    servers.double.enqueue({ text, chunkDelayMs: 30 }, { when: ({ stream }) => stream });
    const live = await send(victim, user, bodyOf(chatId));
    await until(live, 5);
    const followed = await resume(other, user, chatId);
    await until(followed, 60);
    await victim.stop('SIGKILL');
    const since = performance.now();
    const { chunks, done } = await followed.rest();
    expect(performance.now() - since).toBeLessThan(15_000);
    expect([chunks.at(-1), done]).toEqual([{ type: 'abort', reason: 'interrupted' }, true]);
    // The last moments before the end were not stored. Then the step is sent again as it is stored.
    const again = chunks.findLastIndex(({ type }) => type === 'reset-step');
    const stored = (await messagesOf(other, user, chatId)).at(-1)!;
    expect(textOfChunks(chunks.slice(again + 1))).toBe(textOfParts(stored));
    await live.rest().catch(() => undefined);
  }, 40_000);

  it('stop each other’s answers', async () => {
    const chatId = randomUUID();
    const live = await begin(chatId);
    const followed = await resume(other, user, chatId);
    const since = performance.now();
    expect(await stop(other, user, chatId)).toEqual({ stopped: true });
    await servers.double.until(() => answerCalls(servers, chatId)[0]?.closedByClient === true);
    expect(performance.now() - since).toBeLessThan(1_000);
    for (const reader of [live, followed])
      expect((await reader.rest()).chunks.at(-1)).toEqual({ type: 'abort', reason: 'stopped' });
  });
});
