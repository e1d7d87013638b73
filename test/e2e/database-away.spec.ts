import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestUser } from '../support/app.js';
import { type Answer, type AnswerReader, eventually, userMessage } from '../support/chat-app.js';
import { type ChatServers, prepareChatServers } from '../support/chat-servers.js';
import { type OwnPostgres, startOwnPostgres } from '../support/own-postgres.js';
import type { ServerProcess } from '../support/server-process.js';
import { saying, send } from '../support/turns.js';

const ANSWERS = 20;
/** Longer than a request retries a write. */
const AWAY = 18_000;
/** PostgreSQL keeps committed transactions in memory for so long that a crash loses all that nobody has waited for. */
const LAZY = { wal_writer_delay: '10s', wal_writer_flush_after: '1GB' };

/** A reader that was told `finish` finds the answer stored, whatever happens to the database. */
describe('a database that goes away in the middle of answers', () => {
  let postgres: OwnPostgres;
  let servers: ChatServers;
  let server: ServerProcess;
  let user: TestUser;

  beforeAll(async () => {
    postgres = await startOwnPostgres(LAZY);
    servers = await prepareChatServers(postgres.database);
    server = await servers.start();
    user = await servers.createUser();
  });

  afterEach(() => servers.double.reset());

  afterAll(async () => {
    await servers?.close();
    await postgres?.close();
  });

  /** Starts answers that stop after `Safe and `. */
  async function begin(count = ANSWERS): Promise<Map<string, AnswerReader>> {
    const text = ['Safe and ', 'sound.'];
    servers.double.enqueue({ text, pauseAfter: 1 }, { times: count, when: ({ stream }) => stream });
    const readers = new Map<string, AnswerReader>();
    await Promise.all(
      Array.from({ length: count }, async () => {
        const chatId = randomUUID();
        const body = { id: chatId, agent: 'chat', message: userMessage(`question of ${chatId}`) };
        readers.set(chatId, await send(server, user, body));
      }),
    );
    await Promise.all([...readers.values()].map((reader) => reader.until(saying('and '))));
    return readers;
  }

  const rest = async (readers: Map<string, AnswerReader>) =>
    Promise.all([...readers].map(async ([chatId, reader]) => [chatId, await reader.rest()] as const));

  async function expectAllStored(answers: Array<readonly [string, Answer]>): Promise<void> {
    expect(answers.map(([, { chunks, done }]) => [chunks.at(-1).type, done])).toEqual(
      answers.map(() => ['finish', true]),
    );
    const rows = await postgres.database.query(
      `select question."chatId", question.parts::text as question, answer.status, answer.parts::text as answer,
              (select count(*)::int from usage_logs
                where chat_id = question."chatId" and metadata ->> 'purpose' = 'answer') as calls,
              answer.input_tokens > 0 as paid
         from "Message_v2" question join "Message_v2" answer on answer."chatId" = question."chatId" and answer.role = 'assistant'
        where question.role = 'user' and question."chatId" = any($1::uuid[])`,
      [answers.map(([chatId]) => chatId)],
    );
    expect(rows).toHaveLength(answers.length);
    for (const { chatId, question, status, answer, calls, paid } of rows) {
      expect([status, calls, paid]).toEqual(['complete', 1, true]);
      expect(question).toContain(`question of ${chatId}`);
      expect(answer).toContain('Safe and sound.');
    }
    await expectNothingLeft();
  }

  /** Nothing is stuck, and nothing is reserved. */
  async function expectNothingLeft(): Promise<void> {
    const left = async () =>
      (
        await postgres.database.query(
          `select (select count(*)::int from "Message_v2" where status = 'streaming') as streaming,
                  (select count(*)::int from "Stream") as marks, (select count(*)::int from switchboard.runs) as runs`,
        )
      )[0];
    await eventually(async () => Object.values((await left()) ?? {}).every((count) => count === 0));
    expect(server.process.exitCode).toBeNull();
    expect(server.output()).not.toContain('nhandled');
  }

  it('tells the end when it is stored, after eight seconds without writes', async () => {
    const readers = await begin();
    await postgres.readOnly(true);
    servers.double.resume();
    const ends = rest(readers);
    await sleep(8_000);
    for (const { chunks } of readers.values()) expect(chunks.at(-1)?.type).not.toBe('finish');
    await postgres.readOnly(false);
    await expectAllStored(await ends);
  }, 60_000);

  it('tells the end when it is stored, after it was down', async () => {
    const readers = await begin();
    const before = server.output().length;
    const linesOf = (words: string) => server.output().slice(before).split(words).length - 1;
    await postgres.kill();
    servers.double.resume();
    const ends = rest(readers);
    await sleep(AWAY);
    for (const { chunks } of readers.values()) expect(chunks.at(-1)?.type).not.toBe('finish');
    await postgres.start();
    await expectAllStored(await ends);
    await eventually(() => Promise.resolve(linesOf('The database can be listened to again') === 1));
    expect(linesOf('The listening connection to the database was lost')).toBe(1);
  }, 60_000);

  it('loses no question whose answer has begun, in a crash right after the first token', async () => {
    const begun = new Map<string, AnswerReader>();
    for (let round = 0; round < 4; round++) {
      for (const [chatId, reader] of await begin(1)) begun.set(chatId, reader);
      await postgres.crash();
    }
    servers.double.resume();
    await expectAllStored(await rest(begun));
  }, 60_000);

  it('loses nothing that was acknowledged, in crashes while messages arrive', async () => {
    const acknowledged: Array<readonly [string, Answer]> = [];
    for (let round = 0; round < 3; round++) {
      const sending = Array.from({ length: ANSWERS }, async (_, index) => {
        await sleep(index * 30);
        const chatId = randomUUID();
        const body = { id: chatId, agent: 'chat', message: userMessage(`question of ${chatId}`) };
        servers.double.enqueue(
          { text: ['Safe ', 'and ', 'sound.'] },
          { when: ({ stream, userText }) => stream && userText.includes(chatId) },
        );
        const answer = await (await send(server, user, body)).rest();
        if (answer.status === 200 && answer.chunks.at(-1).type === 'finish')
          acknowledged.push([chatId, answer]);
        else expect([answer.status, answer.chunks.at(-1)?.type]).toEqual([503, undefined]);
      });
      await sleep(300 + round * 60);
      await postgres.crash();
      await Promise.all(sending);
      await expectNothingLeft();
    }
    expect(acknowledged.length).toBeGreaterThan(0);
    await expectAllStored(acknowledged);
  }, 90_000);
});
