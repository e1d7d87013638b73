import type { TestUser } from './app.js';
import type { Answer } from './chat-app.js';
import { type GithubApp, type ScriptedCall, startGithubApp, TOKEN_HEADER } from './github-app.js';
import { messagesOf, type StoredMessage, storedAnswer } from './turns.js';

/** The repository that the tools work on, as in their arguments, and an issue that could be created there. */
export const ADDRESS = { owner: 'octo-org', repo: 'hello' };
export const ISSUE = { ...ADDRESS, title: 'It does not start', body: 'See the log.' };

/** A chat in which the agent may write after its user has approved. */
export interface WritingChat {
  chatId: string;
  user: TestUser;
  repositoryId: string;
  /** A question that makes the model request these writes. Returns the answer that waits. */
  ask(...calls: ScriptedCall[]): Promise<StoredMessage>;
  /** Sends a message back with the user's decision. */
  approve(message: object, options?: ApproveOptions): Promise<Answer>;
}

export interface ApproveOptions {
  as?: TestUser;
  body?: object;
  headers?: Record<string, string>;
}

/** {@link startGithubApp}, with writes allowed. */
export async function startWritingApp(): Promise<GithubApp & { openChat(): Promise<WritingChat> }> {
  const app = await startGithubApp();

  async function openChat(): Promise<WritingChat> {
    app.double.reset();
    app.mcp.reset();
    await app.configure({ readOnly: false, excludeTools: null, timeoutMs: 5_000 });
    const user = await app.createUser();
    const repositoryId = await app.connect(user);
    const chatId = crypto.randomUUID();
    return {
      chatId,
      user,
      repositoryId,
      ask: async (...calls) => {
        const toolCalls = calls.map(({ name, input }, index) => ({ id: `write-${index}`, name, input }));
        app.double.enqueue({ text: ['I would like to.'], toolCalls, usage: { input: 100, output: 10 } });
        const answer = await app.ask(user, chatId, 'Please report it.', { repositoryId });
        if (!answer.done) throw new Error(JSON.stringify(answer.problem));
        return storedAnswer(app, user, chatId);
      },
      approve: (message, { as = user, body = {}, headers = TOKEN_HEADER } = {}) =>
        app.post(as, { id: chatId, message, ...body }, { headers }),
    };
  }
  return { ...app, openChat };
}

/** The parts of a message that are tool calls. */
export const toolParts = ({ parts }: Pick<StoredMessage, 'parts'>) =>
  parts.filter(({ toolCallId }) => toolCallId !== undefined);

/** The message as a client sends it back, with the user's decision on everything that waits for one. */
export function answered(message: StoredMessage, approved: boolean, { reason }: { reason?: string } = {}) {
  const parts = message.parts.map((part) =>
    part.state === 'approval-requested'
      ? { ...part, state: 'approval-responded', approval: { ...part.approval, approved, reason } }
      : part,
  );
  return { id: message.id, role: 'assistant', parts };
}

/** Nothing waits for a decision: the answer is shown as it is, and nothing changes. */
export async function expectNothingAsked(
  app: GithubApp,
  { user, chatId }: WritingChat,
  approve: () => Promise<Answer>,
): Promise<void> {
  const before = await messagesOf(app, user, chatId);
  const calls = [app.double.requests.length, app.mcp.requests.length];
  const { status, chunks, done } = await approve();
  expect([status, chunks[0].messageId, done]).toEqual([200, before.at(-1)?.id, true]);
  expect([app.double.requests.length, app.mcp.requests.length]).toEqual(calls);
  expect(await messagesOf(app, user, chatId)).toEqual(before);
}
