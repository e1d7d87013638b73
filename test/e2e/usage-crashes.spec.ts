import { randomUUID } from 'node:crypto';
import type { RecordedRequest } from '../doubles/provider-double.js';
import type { Script } from '../doubles/script.js';
import type { TestUser } from '../support/app.js';
import { eventually, userMessage } from '../support/chat-app.js';
import { type ChatServers, prepareChatServers } from '../support/chat-servers.js';
import type { ServerProcess } from '../support/server-process.js';
import { messagesOf, readChat, send } from '../support/turns.js';
import { micros, microsOf } from '../support/usage-books.js';
import { type Random, seeded } from '../support/usage-ledger.js';
import { usageDifferences } from '../support/usage-sums.js';

/**
 * A process is killed while it answers. Another one books the calls that were sent: with what their providers had told, or
 * at least with their prompt. USAGE_SEED repeats a round.
 */

const SEED = Number(process.env['USAGE_SEED'] ?? Date.now() % 1_000_000_000);
const CHATS = 12;
const MODELS = ['google/gemini-2.5-flash', 'openai/gpt-4.1', 'anthropic/claude-sonnet-4-5'];
/** About 1,300 tokens. */
const PROMPT = 'The tide comes in, and the tide goes out. '.repeat(120);

/** A turn, and the call of its answer. */
interface Attempt {
  chatId: string;
  user: TestUser;
  request: () => RecordedRequest | undefined;
}

interface Row {
  chatId: string;
  purpose: string;
  messageId: string | null;
  status: string;
  input: number;
  output: number;
  cost: bigint;
}

describe('the books after a crash', () => {
  let servers: ChatServers;

  beforeAll(async () => {
    servers = await prepareChatServers();
  });

  afterAll(() => servers.close());

  const script = (random: Random, index: number): Script => {
    const usage = { input: 5_000 + index, cachedRead: random.int(2_000), output: 40 + random.int(100) };
    const text = ['Some ', 'words ', 'before ', 'the ', 'end'];
    return random.pick<Script>([
      { text, usage, pauseAfter: 1 + random.int(4) },
      { text, usage, pauseAfter: 0 },
      { usage, fault: { type: 'stall-before-first-byte' } },
      { text, usage },
    ]);
  };

  async function ask(server: ServerProcess, user: TestUser, random: Random, index: number): Promise<Attempt> {
    const chatId = randomUUID();
    const mark = `@${chatId}@`;
    const isIt = ({ stream, userText }: RecordedRequest) => stream && userText.includes(mark);
    servers.double.enqueue(script(random, index), { when: isIt });
    const body = {
      id: chatId,
      message: userMessage(`${mark} ${PROMPT}`),
      model: MODELS[index % MODELS.length],
      agent: 'chat',
    };
    // Some answers never begin, so their responses do not either.
    send(server, user, body)
      .then((reader) => reader.rest())
      .catch(() => undefined);
    const request = () => servers.double.requests.find(isIt);
    await servers.double.until(() => /held|ended/.test(request()?.state ?? ''));
    return { chatId, user, request };
  }

  /** Waits until the rows of the runs contain what is known of all calls that are running. */
  const checkpoint = () =>
    eventually(async () => {
      const [row] = await servers.database.query(
        `select count(*) filter (where call ->> 'respondedAt' is null
                                   and (call ->> 'inputTokens')::int >= 1000
                                   and (call -> 'metadata') ? 'cachedInputTokens')::int as noted,
                count(*) filter (where call ->> 'respondedAt' is null)::int as running
           from switchboard.runs cross join lateral jsonb_each(calls) as sent (id, call)`,
      );
      return row.noted === row.running && row.running > 0;
    });

  const rowsOf = async (): Promise<Row[]> =>
    (
      await servers.database.query(
        `select chat_id as "chatId", metadata ->> 'purpose' as purpose, metadata ->> 'messageId' as "messageId",
                metadata ->> 'status' as status, input_tokens as input, output_tokens as output,
                total_cost::text as cost
           from usage_logs where response_timestamp is not null`,
      )
    ).map((row) => ({ ...row, cost: micros(row['cost'] as string) })) as Row[];

  const sumOf = (rows: Row[]) => ({
    input: rows.reduce((sum, { input }) => sum + input, 0),
    output: rows.reduce((sum, { output }) => sum + output, 0),
    cost: rows.reduce((sum, { cost }) => sum + cost, 0n),
  });

  it(`contain every call that was sent (USAGE_SEED=${SEED})`, async () => {
    const random = seeded(SEED);
    const users = [await servers.createUser(), await servers.createUser()];
    const first = await servers.start();
    const attempts: Attempt[] = [];
    for (let index = 0; index < CHATS; index++)
      attempts.push(await ask(first, users[index % 2]!, random, index));
    // At least one call is running, whatever the seed.
    servers.double.enqueue(
      { text: ['Told.'], usage: { input: 5_999, output: 9 }, pauseAfter: 0 },
      { when: ({ userText }) => userText.startsWith('@last') },
    );
    const last = {
      id: randomUUID(),
      message: userMessage(`@last ${PROMPT}`),
      model: MODELS[2],
      agent: 'chat',
    };
    send(first, users[0]!, last).catch(() => undefined);
    await servers.double.until(() =>
      servers.double.requests.some(({ state, userText }) => state === 'held' && userText.startsWith('@last')),
    );
    await checkpoint();
    await first.stop('SIGKILL');

    const second = await servers.start();
    // The first one is known to be dead after some seconds without a beat.
    await eventually(
      async () => (await servers.database.query('select id from switchboard.runs')).length === 0,
      30_000,
    );
    const rows = await rowsOf();
    expect(rows.filter(({ chatId }) => chatId === last.id)).toMatchObject([
      { status: 'interrupted', input: 5_999 },
    ]);
    for (const { chatId, user, request } of attempts) {
      const own = rows.filter((row) => row.chatId === chatId);
      const answers = own.filter(({ purpose }) => purpose === 'answer');
      const { provider, reported } = request()!;
      expect([provider, answers.length]).toEqual([provider, 1]);
      const [answer] = answers as [Row];
      expect([provider, answer.status]).toEqual([
        provider,
        reported?.ended === 'complete' ? 'success' : 'interrupted',
      ]);
      if (reported) expect([provider, answer.input]).toEqual([provider, reported.input]);
      else expect(answer.input).toBeGreaterThan(1_000);
      expect(answer.output).toBeGreaterThanOrEqual(reported?.output ?? 0);
      expect(answer.cost).toBeGreaterThan(0n);

      const { totalInputTokens, totalOutputTokens, totalCost } = await readChat(second, user, chatId);
      expect({
        input: totalInputTokens,
        output: totalOutputTokens,
        cost: microsOf(totalCost),
      }).toEqual(sumOf(own));
      for (const { id, inputTokens, outputTokens, cost } of await messagesOf(second, user, chatId)) {
        const figures = { input: inputTokens, output: outputTokens, cost: microsOf(cost) };
        expect(figures).toEqual(sumOf(own.filter(({ messageId }) => messageId === id)));
      }
    }
    expect(await usageDifferences(servers.database)).toEqual([]);
    const [spent] = await servers.database.query(
      `select (select sum(cost) from switchboard.daily_spending) - (select sum(total_cost) from usage_logs) as missing`,
    );
    expect(Number(spent.missing)).toBe(0);
  });
});
