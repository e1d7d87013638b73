import { randomUUID } from 'node:crypto';
import { Decimal } from 'decimal.js';
import fc from 'fast-check';
import type { Fault, ScriptedUsage } from '../doubles/script.js';
import type { TestUser } from '../support/app.js';
import { type Answer, type ChatApp, eventually, startChatApp, userMessage } from '../support/chat-app.js';
import { messagesOf, saying, stop } from '../support/turns.js';

/** Whatever happens in a chat, in whatever order: rows, answers and chat always add up, and nothing is counted twice. */

/** USD per million tokens, as seeded: input, what is read from the cache, what is written to it, output. */
const PRICES: Record<string, [number, number, number, number]> = {
  'gemini-2.5-pro': [1.25, 0.125, 1.25, 10],
  'gemini-2.5-flash-lite': [0.1, 0.01, 0.1, 0.4],
  'gpt-4.1': [2, 0.5, 2, 8],
  'gpt-4o-mini': [0.15, 0.075, 0.15, 0.6],
  'claude-sonnet-4-5': [3, 0.3, 3.75, 15],
  'claude-haiku-4-5': [1, 0.1, 1.25, 5],
};

/** How a turn ends. */
type Ending =
  'complete' | 'written' | 'stopped' | 'retried' | 'refused' | 'cut' | 'broken' | 'uncounted' | 'empty';

interface Step {
  action: 'say' | 'edit' | 'regenerate';
  /** Which of the user's messages is edited, counted in any number. */
  which: number;
  model: string;
  usage: Required<ScriptedUsage>;
  ending: Ending;
}

const FAULTS: Partial<Record<Ending, Fault>> = {
  retried: { type: 'reset-after', chunks: 0 },
  refused: { type: 'status', status: 400 },
  cut: { type: 'half-close', chunks: 2 },
  broken: { type: 'error-frame', chunks: 1 },
  uncounted: { type: 'usage-lies', lie: 'missing' },
  empty: { type: 'empty' },
};
const ENDINGS = Object.keys(FAULTS) as Ending[];

const usage: fc.Arbitrary<Required<ScriptedUsage>> = fc
  .tuple(
    fc.integer({ min: 1, max: 200_000 }),
    fc.integer({ min: 1, max: 60_000 }),
    fc.nat(100),
    fc.nat(100),
    fc.nat(100),
  )
  .map(([input, output, cached, written, thought]) => {
    const cachedRead = Math.floor((input * cached) / 100);
    const cacheWrite = Math.floor(((input - cachedRead) * written) / 100);
    return { input, cachedRead, cacheWrite, output, reasoning: Math.floor((output * thought) / 100) };
  });

const step: fc.Arbitrary<Step> = fc.record({
  action: fc.constantFrom('say', 'say', 'say', 'edit', 'regenerate'),
  which: fc.nat(),
  model: fc.constantFrom('google/gemini-2.5-pro', 'openai/gpt-4.1', 'anthropic/claude-sonnet-4-5'),
  usage,
  ending: fc.oneof(
    { weight: 4, arbitrary: fc.constant<Ending>('complete') },
    { weight: 2, arbitrary: fc.constantFrom<Ending>('stopped', 'written') },
    { weight: 4, arbitrary: fc.constantFrom(...ENDINGS) },
  ),
});

interface Row {
  closed: boolean;
  model: string;
  input: number;
  output: number;
  total: number;
  cost: string;
  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- tests assert its shape
  metadata: any;
}

describe('usage, whatever happens', () => {
  let app: ChatApp;

  beforeAll(async () => {
    app = await startChatApp();
  });

  afterAll(() => app.close());

  it('always adds up', async () => {
    const scenario = fc.array(step, { minLength: 1, maxLength: 5 });
    await fc.assert(fc.asyncProperty(scenario, play), { numRuns: 25, endOnFailure: true });
  }, 180_000);

  async function play(steps: Step[]): Promise<void> {
    app.double.reset();
    const user = await app.createUser();
    const chatId = randomUUID();
    const questions: string[] = [];
    for (const next of steps) {
      const answer = await take(next, user, chatId, questions);
      expectEnded(next, answer);
    }
    const { rows, sums } = await closedRows(chatId);
    // The chat has paid for all calls, also for those whose answers were replaced.
    expect(sums).toEqual(sumOf(rows));
    await expectAnswers(user, chatId, rows);
    for (const row of rows) {
      expect(row.total).toBe(row.input + row.output);
      expect(row.cost).toBe(priceOf(row));
    }
    expectReported(steps, rows);
  }

  /** Does one step, and keeps the ids of the questions that are there after it. */
  async function take(
    { action, which, model, usage: figures, ending }: Step,
    user: TestUser,
    chatId: string,
    questions: string[],
  ): Promise<Answer> {
    const script = { text: ['Some ', 'words ', 'to count'], usage: figures };
    const when = { when: ({ stream }: { stream: boolean }) => stream };
    if (ending === 'written') {
      // Three calls: one that calls the tool, one that writes the document, one that says so.
      const input = { title: 'Notes', kind: 'text', description: 'A few words' };
      app.double.enqueue(
        { toolCalls: [{ id: 'call_1', name: 'createDocument', input }], usage: figures },
        when,
      );
      app.double.enqueue(script, when);
    }
    const pauseAfter = ending === 'stopped' ? 2 : undefined;
    app.double.enqueue({ ...script, fault: FAULTS[ending], pauseAfter }, when);
    if (ending === 'retried') app.double.enqueue(script, when);

    const options = { id: chatId, model, agent: ending === 'written' ? 'artifact' : 'chat' };
    let body: object;
    if (action === 'regenerate' && questions.length > 0) {
      body = { ...options, trigger: 'regenerate-message' };
    } else {
      if (action === 'edit' && questions.length > 0) questions.splice((which % questions.length) + 1);
      else questions.push(randomUUID());
      body = { ...options, message: userMessage(`What about ${which}?`, questions.at(-1)) };
    }
    if (ending !== 'stopped') return app.post(user, body);
    const reader = await app.open(user, body);
    await reader.until(saying('Some words '));
    expect(await stop(app, user, chatId)).toEqual({ stopped: true });
    return reader.rest();
  }

  function expectEnded({ ending }: Step, { status, chunks, problem }: Answer): void {
    const last = chunks.at(-1)?.type ?? problem.code;
    const expected: Record<Ending, [number, string]> = {
      complete: [200, 'finish'],
      written: [200, 'finish'],
      retried: [200, 'finish'],
      uncounted: [200, 'finish'],
      stopped: [200, 'abort'],
      cut: [200, 'error'],
      broken: [200, 'error'],
      refused: [502, 'upstream_error'],
      empty: [502, 'upstream_error'],
    };
    expect([ending, status, last]).toEqual([ending, ...expected[ending]]);
  }

  /** All calls of a chat, once they are closed, and what the chat says of them at the same moment. */
  function closedRows(chatId: string): Promise<{ rows: Row[]; sums: object }> {
    return eventually(async () => {
      const found = await app.database.query(
        `select response_timestamp is not null as closed, model_used as model, input_tokens as input,
                output_tokens as output, total_tokens as total, log.total_cost::text as cost, log.metadata,
                json_build_object('input', total_input_tokens, 'output', total_output_tokens,
                                  'cost', chat.total_cost::text) as sums
           from usage_logs log join chat on chat.id = chat_id where chat.id = $1`,
        [chatId],
      );
      const rows = found as Row[];
      return rows.every(({ closed }) => closed) && { rows, sums: found[0].sums as object };
    });
  }

  const sumOf = (rows: Row[]) => ({
    input: rows.reduce((sum, { input }) => sum + input, 0),
    output: rows.reduce((sum, { output }) => sum + output, 0),
    cost: rows.reduce((sum, { cost }) => sum.plus(cost), new Decimal(0)).toFixed(6),
  });

  /** An answer has paid for its own calls. */
  async function expectAnswers(user: TestUser, chatId: string, rows: Row[]): Promise<void> {
    for (const { id, role, inputTokens, outputTokens, cost } of await messagesOf(app, user, chatId)) {
      const own = rows.filter(({ metadata }) => metadata.messageId === id);
      expect(own.length).toBeGreaterThanOrEqual(role === 'assistant' ? 1 : 0);
      if (role !== 'assistant') expect(own).toEqual([]);
      else {
        const figures = { input: inputTokens, output: outputTokens, cost: new Decimal(cost).toFixed(6) };
        expect(figures).toEqual(sumOf(own));
      }
    }
  }

  function priceOf({ model, input, output, metadata }: Row): string {
    const [plain, read, write, out] = PRICES[model]!;
    const { cachedInputTokens: cached, cacheWriteTokens: written } = metadata;
    return new Decimal(input - cached - written)
      .times(plain)
      .plus(new Decimal(cached).times(read))
      .plus(new Decimal(written).times(write))
      .plus(new Decimal(output).times(out))
      .dividedBy(1_000_000)
      .toFixed(6, Decimal.ROUND_HALF_UP);
  }

  /** Calls that were counted to their end have the figures that the provider told, each of them once. */
  function expectReported(steps: Step[], rows: Row[]): void {
    const counted = rows
      .filter(({ metadata }) => metadata.status === 'success' && !metadata.estimated)
      .map(({ model, input, output, metadata }) => ({
        purpose: metadata.purpose as string,
        figures: JSON.stringify([
          model,
          input,
          metadata.cachedInputTokens,
          metadata.cacheWriteTokens,
          output,
          metadata.reasoningTokens,
        ]),
      }));
    const told = app.double
      .reported()
      .filter(({ ended }) => ended === 'complete')
      .map(({ model, input, cachedRead, cacheWrite, output, reasoning }) =>
        JSON.stringify([model, input, cachedRead, cacheWrite, output, reasoning]),
      );
    for (const { figures } of counted) {
      expect(told).toContain(figures);
      told.splice(told.indexOf(figures), 1);
    }
    // What is left are titles that came too late to be waited for.
    expect(told.filter((figures) => /"(?:gemini-2.5-pro|gpt-4.1|claude-sonnet-4-5)"/.test(figures))).toEqual(
      [],
    );
    const callsOf = ({ ending }: Step) =>
      ending === 'written' ? 3 : ['complete', 'retried', 'empty'].includes(ending) ? 1 : 0;
    const calls = steps.reduce((sum, next) => sum + callsOf(next), 0);
    expect(counted.filter(({ purpose }) => purpose === 'answer')).toHaveLength(calls);
  }
});
