import type { Answer as Scripted, RecordedRequest } from '../doubles/provider-double.js';
import type { FaultStatus, Script } from '../doubles/script.js';
import type { TestUser } from './app.js';
import { configureAgent } from './agent-config.js';
import type { ChatApp } from './chat-app.js';
import { messagesOf } from './turns.js';

/* The default model of the chat agent is Google's. Anthropic's and OpenAI's answer in its place, in this order. */

export const GOOGLE = 'google/gemini-2.5-flash';
export const ANTHROPIC = 'anthropic/claude-sonnet-4-5';
export const OPENAI = 'openai/gpt-4o-mini';

/** The shortest cool-down, so that tests do not depend on each other. */
export const SHORT_COOL_DOWN = { UPSTREAM_COOL_DOWN_MS: '50', UPSTREAM_COOL_DOWN_MAX_MS: '50' };

export const idsOf = (...ids: string[]) => ids.map((id) => ({ id }));

export async function withFallbacks(
  app: ChatApp,
  ids: string[] = [ANTHROPIC, OPENAI],
  more: object = {},
): Promise<void> {
  await configureAgent(app, 'google', { fallbackModels: idsOf(...ids), fallbackForChosen: false, ...more });
}

export const status = (status: FaultStatus, retryAfterSeconds?: number): Script => ({
  text: ['never said'],
  fault: { type: 'status', status, retryAfterSeconds },
});

/** The next streamed calls of a provider are answered like this. */
export function script(
  { double }: ChatApp,
  provider: RecordedRequest['provider'],
  answer: Scripted,
  times = 1,
): void {
  double.enqueue(answer, { times, when: (request) => request.stream && request.provider === provider });
}

/** The models that were asked for an answer, in order. */
export const askedModels = ({ double }: ChatApp): string[] =>
  double.requests.filter(({ stream }) => stream).map(({ provider, model }) => `${provider}/${model}`);

/** The rows of the answers of a chat, without titles and routing. */
export function answerRows({ database }: ChatApp, chatId: string) {
  return database.query(
    `select provider || '/' || model_used as model, metadata ->> 'status' as status, metadata ->> 'errorCode' as "errorCode",
            input_tokens as input, output_tokens as output, total_cost::float8 as cost
       from usage_logs where chat_id = $1 and metadata ->> 'purpose' = 'answer' order by request_timestamp`,
    [chatId],
  );
}

/** The model that a client shows for the answer: the metadata of the stream, merged as clients do. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- chunks of any type
export const liveMetadata = (chunks: any[]): any =>
  Object.assign({}, ...chunks.map(({ messageMetadata }) => messageMetadata as object | undefined));

export async function lastMessage(app: ChatApp, user: TestUser, chatId: string) {
  return (await messagesOf(app, user, chatId)).at(-1)!;
}
