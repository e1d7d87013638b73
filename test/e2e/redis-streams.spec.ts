import { randomUUID } from 'node:crypto';
import { createClient, type RedisClientType } from '@redis/client';
import type { TestUser } from '../support/app.js';
import { type AnswerReader, eventually, textOfChunks, userMessage } from '../support/chat-app.js';
import { type ChatServers, prepareChatServers } from '../support/chat-servers.js';
import { HAS_REDIS, RedisServer } from '../support/redis.js';
import type { ServerProcess } from '../support/server-process.js';
import { eachSideBySide } from '../support/side-by-side.js';
import { answerCalls, messagesOf, resume, send, stop, textOfParts } from '../support/turns.js';

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

  /** An answer with this many words, one in 20 ms. By default, it does not end by itself. */
  async function begin(chatId: string, { words = 5_000, at = owner } = {}): Promise<AnswerReader> {
    const text = Array.from({ length: words }, (_, index) => `word${index} `);
    servers.double.enqueue({ text, chunkDelayMs: 20 }, { when: ({ stream }) => stream });
    const reader = await send(at, user, bodyOf(chatId));
    await until(reader, 5);
    return reader;
  }

  /** The number of the last word, or -1. */
  const wordsIn = (chunks: AnswerReader['chunks']) => textOfChunks(chunks).split(' ').length - 2;
  const until = (reader: AnswerReader, word: number) => reader.until((chunks) => wordsIn(chunks) >= word);

  /** Reads on until the one reads the words hardly later than the other. From checkpoints, it is half a second. */
  async function untilLive(live: AnswerReader, followed: AnswerReader): Promise<number> {
    const WORDS = 25;
    for (const deadline = Date.now() + 20_000; ;) {
      const first = Math.max(wordsIn(live.chunks), wordsIn(followed.chunks)) + 1;
      const timesOf = async (reader: AnswerReader) => {
        const times: number[] = [];
        for (let word = first; word < first + WORDS; word++) {
          await until(reader, word);
          times.push(performance.now());
        }
        return times;
      };
      const [there, here] = await Promise.all([timesOf(live), timesOf(followed)]);
      const lags = here.map((time, index) => time - there[index]!).toSorted((x, y) => x - y);
      const median = lags[Math.floor(WORDS / 2)]!;
      if (median < 50) return median;
      if (Date.now() > deadline) throw new Error(`it is ${median} ms behind`);
    }
  }

  async function query<T>(ask: (client: RedisClientType) => Promise<T>): Promise<T> {
    const client: RedisClientType = createClient({ url: redis.url });
    await client.connect();
    try {
      return await ask(client);
    } finally {
      client.destroy();
    }
  }

  const logsInRedis = () => query((client) => client.keys('switchboard:stream:*'));

  /** Ends an answer. Its reader has every word once, and the same end as the readers of its owner. */
  async function expectAllOf(chatId: string, live: AnswerReader, followed: AnswerReader): Promise<void> {
    const ended = Promise.all([live.rest(), followed.rest()]);
    await stop(other, user, chatId);
    const [there, here] = await ended;
    expect(here.text).toBe(there.text);
    expect(here.text.split(' ').slice(0, -1)).toEqual(
      Array.from({ length: wordsIn(here.chunks) + 1 }, (_, index) => `word${index}`),
    );
    expect([here.done, here.chunks.at(-1)]).toEqual([true, { type: 'abort', reason: 'stopped' }]);
    const marks = ['start', 'text-start', 'text-end', 'abort'];
    expect(here.chunks.map(({ type }) => type).filter((type) => marks.includes(type))).toEqual(marks);
  }

  it('show an answer that the other one writes: everything, and then live', async () => {
    const chatId = randomUUID();
    const live = await begin(chatId);
    const followed = await resume(other, user, chatId);
    await until(followed, 5);
    const lag = await untilLive(live, followed);
    process.stdout.write(`A follower through Redis is ${lag.toFixed(1)} ms behind (median).\n`);
    await expectAllOf(chatId, live, followed);
    // What readers of the owner get, with its deltas joined differently.
    const others = (chunks: AnswerReader['chunks']) =>
      chunks.filter(({ type }) => type !== 'text-delta' && type !== 'data-chat-title');
    expect(others(followed.chunks)).toEqual(others(live.chunks));
  });

  it('read any number of answers over one blocking connection, and keep nothing of them in Redis', async () => {
    const chats = Array.from({ length: 10 }, () => randomUUID());
    const live = await Promise.all(chats.map((chatId) => begin(chatId)));
    const followed = await Promise.all(
      chats.flatMap((chatId) => Array.from({ length: 20 }, () => resume(other, user, chatId))),
    );
    const reading = Promise.all(followed.map((reader) => reader.rest()));
    await eventually(async () => (await logsInRedis()).length === chats.length);
    // Each instance has one for commands and one that waits. This question has one.
    await eventually(async () => (await query((client) => client.clientList())).length === 5);
    await Promise.all(chats.map((chatId) => stop(other, user, chatId)));
    const answers = await reading;
    expect(answers.filter(({ done }) => done)).toHaveLength(200);
    const texts = await Promise.all(live.map(async (reader) => (await reader.rest()).text));
    expect(new Set(answers.map(({ text }) => text))).toEqual(new Set(texts));
    await eventually(async () => (await logsInRedis()).length === 0);
  }, 30_000);

  it('go on after an entry that cannot be read', async () => {
    const chatId = randomUUID();
    const live = await begin(chatId);
    const followed = await resume(other, user, chatId);
    await untilLive(live, followed);
    const logs = await logsInRedis();
    await query(async (client) => {
      await client.xAdd('switchboard:instances', '*', { channel: 'switchboard_follow', payload: '{' });
      await client.pExpire('switchboard:instances', 2_000);
    });
    const word = wordsIn(live.chunks);
    await Promise.all([until(live, word + 60), until(followed, word + 60)]);
    expect(await logsInRedis()).toEqual(logs);
    await expectAllOf(chatId, live, followed);
  });

  it.each([
    ['is killed and started again', () => redis.stop(), () => redis.start()],
    ['hangs', () => redis.freeze(), () => redis.thaw()],
    ['loses everything', () => query((client) => client.flushAll()), () => undefined],
  ] as Array<[string, () => unknown, () => unknown]>)(
    'fall back to checkpoints when Redis %s, and return to it',
    async (_how, away, back) => {
      const before = [owner, other].map((server) => server.output().length);
      const chatId = randomUUID();
      const live = await begin(chatId);
      const followed = await resume(other, user, chatId);
      await until(followed, 20);
      await untilLive(live, followed);
      await away();
      // This takes more than a second. Neither waits for Redis.
      await Promise.all([until(live, 120), until(followed, 120)]);
      await back();
      await eventually(async () => (await logsInRedis()).length === 1);
      await untilLive(live, followed);
      await expectAllOf(chatId, live, followed);
      for (const [index, server] of [owner, other].entries()) {
        const times = (line: string) => server.output().slice(before[index]).split(line).length - 1;
        // On a busy machine, it may also seem to be away at another moment.
        expect(times(AWAY)).toBeLessThanOrEqual(2);
        await eventually(() => Promise.resolve(times(BACK) === times(AWAY)));
      }
    },
    40_000,
  );

  /** Each has an instance of its own, and waits until others notice something. */
  const withAnotherInstance: Record<string, () => Promise<void>> = {
    'end an answer whose instance is killed, with what is stored': () => endedWith('SIGKILL'),
    'end an answer whose instance is paused, with what is stored': () => endedWith('SIGSTOP'),
    'follow each other by checkpoints if one of them started without Redis': followedByCheckpoints,
  };

  async function endedWith(signal: NodeJS.Signals): Promise<void> {
    const chatId = randomUUID();
    const victim = await servers.start({ REDIS_URL: redis.url });
    const live = await begin(chatId, { at: victim });
    const followed = await resume(other, user, chatId);
    await until(followed, 60);
    victim.process.kill(signal);
    const since = performance.now();
    const { chunks, done } = await followed.rest();
    expect(performance.now() - since).toBeLessThan(15_000);
    expect([chunks.at(-1), done]).toEqual([{ type: 'abort', reason: 'interrupted' }, true]);
    // The last moments before the end were not stored. Then the step is sent again as it is stored.
    const again = chunks.findLastIndex(({ type }) => type === 'reset-step');
    const stored = (await messagesOf(other, user, chatId)).at(-1)!;
    expect(textOfChunks(chunks.slice(again + 1))).toBe(textOfParts(stored));
    victim.process.kill('SIGCONT');
    // What it writes after it has woken up reaches nobody else.
    expect((await live.rest().catch(() => undefined))?.chunks.at(-1)?.type).not.toBe('finish');
    const replayed = await (await resume(other, user, chatId)).rest();
    expect(replayed.text).toBe(textOfParts(stored));
    await victim.stop('SIGKILL');
  }

  async function followedByCheckpoints(): Promise<void> {
    const alone = await servers.start({ REDIS_URL: 'redis://127.0.0.1:1' });
    expect(alone.output()).toContain(AWAY);
    for (const [writer, reader] of [
      [owner, alone],
      [alone, owner],
    ] as const) {
      const chatId = randomUUID();
      const live = await begin(chatId, { at: writer });
      const followed = await resume(reader, user, chatId);
      await until(followed, 60);
      await expectAllOf(chatId, live, followed);
    }
    await alone.stop('SIGKILL');
  }

  eachSideBySide('%s', Object.entries(withAnotherInstance), (_name, check) => check());

  it('stop each other’s answers', async () => {
    const chatId = randomUUID();
    const live = await begin(chatId);
    const followed = await resume(other, user, chatId);
    await until(followed, 5);
    const since = performance.now();
    expect(await stop(other, user, chatId)).toEqual({ stopped: true });
    await servers.double.until(() => answerCalls(servers, chatId)[0]?.closedByClient === true);
    expect(performance.now() - since).toBeLessThan(1_000);
    for (const reader of [live, followed])
      expect((await reader.rest()).chunks.at(-1)).toEqual({ type: 'abort', reason: 'stopped' });
  });
});
