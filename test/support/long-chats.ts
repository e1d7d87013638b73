import { CompactionService } from '../../src/modules/compaction/compaction.service.js';
import type { RecordedRequest } from '../doubles/provider-double.js';
import { isCompactionCall } from '../doubles/wire/reply.js';
import { addChat } from '../fixtures/chat-rows.js';
import { configureAgent, PROVIDERS } from './agent-config.js';
import type { TestApp, TestUser } from './app.js';
import { type ChatApp, eventually } from './chat-app.js';

/** The default model of each vendor. */
export const MODELS = ['google/gemini-2.5-flash', 'openai/gpt-4o-mini', 'anthropic/claude-sonnet-4-5'];

/** The limit of the chat agent in these tests, in tokens. */
export const LIMIT = 4_000;

/** A sentence with a number, of about 100 tokens. */
export const line = (number: number) =>
  `Line ${number} of it. ${'It goes on with some more words about nothing in particular. '.repeat(7)}`;

/** Lets the chat agent of every vendor be sent only `maxInputTokens`, or as much as its model takes. */
export async function limitChats(app: TestApp, maxInputTokens: number | null = LIMIT): Promise<void> {
  for (const provider of PROVIDERS)
    await configureAgent(app, provider, {
      systemPrompt: 'Be brief.',
      context: maxInputTokens === null ? {} : { maxInputTokens },
    });
}

/** A chat of `count` messages: `Line 0 of it.`, a question, and so on. @returns its id and those of its messages */
export async function addLongChat(
  app: Pick<TestApp, 'database'>,
  user: TestUser,
  count: number,
  { visibility, text = line(0) }: { visibility?: 'public' | 'private'; text?: string } = {},
): Promise<{ chatId: string; ids: string[] }> {
  const chatId = await addChat(app, user, { visibility });
  return { chatId, ids: await addOldMessages(app, chatId, { count, text }) };
}

/** Adds questions and answers of yesterday to a chat. @returns their ids, oldest first */
export async function addOldMessages(
  app: Pick<TestApp, 'database'>,
  chatId: string,
  { count, text }: { count: number; text: string },
): Promise<string[]> {
  const rows = await app.database.query(
    `insert into "Message_v2" (id, "chatId", role, parts, "createdAt")
     select gen_random_uuid(), $1, case n % 2 when 0 then 'user' else 'assistant' end,
            json_build_array(json_build_object('type', 'text', 'text', replace($3, 'Line 0 ', 'Line ' || n || ' '))),
            now() - interval '1 day' + n * interval '1 second'
       from generate_series(0, $2::int - 1) n
     returning id, "createdAt"`,
    [chatId, count, text],
  );
  return (rows as Array<{ id: string; createdAt: Date }>)
    .sort((left, right) => left.createdAt.getTime() - right.createdAt.getTime())
    .map(({ id }) => id);
}

export interface StoredSummary {
  content: string;
  throughId: string;
}

export async function summaryOf(
  { database }: Pick<TestApp, 'database'>,
  chatId: string,
): Promise<StoredSummary | undefined> {
  const rows = await database.query(
    `select content, through_id as "throughId" from switchboard.chat_summaries where chat_id = $1`,
    [chatId],
  );
  return rows[0] as StoredSummary | undefined;
}

/** Waits until the summary contains these words. */
export function summarized(
  app: Pick<TestApp, 'database'>,
  chatId: string,
  words: string,
): Promise<StoredSummary> {
  return eventually(async () => {
    const summary = await summaryOf(app, chatId);
    return summary?.content.includes(words) && summary;
  });
}

/** Waits until no compaction of the user is running. It has begun when the answer has ended. */
export async function compacted({ app }: TestApp, user: TestUser): Promise<void> {
  await eventually(() => Promise.resolve(!app.get(CompactionService).isRunning(user.id)));
}

export const compactionCalls = ({ double }: Pick<ChatApp, 'double'>): RecordedRequest[] =>
  double.requests.filter(isCompactionCall);

/** The bodies of the calls for answers, as text. */
export const answerPrompts = ({ double }: Pick<ChatApp, 'double'>): string[] =>
  double.requests
    .filter((request) => request.stream && !isCompactionCall(request))
    .map(({ body }) => JSON.stringify(body));

/** The numbers of the lines in a prompt. */
export const linesIn = (prompt: string | undefined): number[] =>
  [...(prompt ?? '').matchAll(/Line (\d+) of it/g)].map(([, number]) => Number(number));
