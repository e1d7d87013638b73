import { randomUUID } from 'node:crypto';
import { countTokens } from 'gpt-tokenizer/encoding/o200k_base';
import type { Identity } from '../../src/common/auth/identity.js';
import { AdminConfigService } from '../../src/modules/admin-config/admin-config.service.js';
import type { AnsweringAgent } from '../../src/modules/admin-config/config-schemas.js';
import { ModelSelector } from '../../src/modules/models/model-selector.js';
import type { Turn } from '../../src/modules/turns/turn.js';
import { TurnAdmission } from '../../src/modules/turns/turn-admission.js';
import { CODE, ENGLISH, JAPANESE } from '../fixtures/language-samples.js';
import { configureAgent } from '../support/agent-config.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, startChatApp } from '../support/chat-app.js';

const MODEL = 'google/gemini-2.5-flash';

/** The budget check before a call uses an estimate that is close to what the call then reads, in any script. */
describe('the estimate of a turn', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
    for (const agent of ['chat', 'artifact'] as const) {
      await configureAgent(
        app,
        'google',
        { budget: { daily: 100 }, parameters: { maxOutputTokens: 1 } },
        agent,
      );
    }
  });
  afterEach(() => app.double.reset());
  afterAll(() => app.close());

  const say = (chatId: string, text: string, agent: AnsweringAgent, documentId?: string) =>
    app.say(user, chatId, text, { body: { model: MODEL, agent, documentId } });

  /** The input tokens that the budget check uses. */
  async function estimated(chatId: string, text: string, agent: AnsweringAgent, documentId?: string) {
    const config = await app.app.get(AdminConfigService).current();
    const model = app.app.get(ModelSelector).select(agent, MODEL, {}, config);
    const identity: Identity = {
      id: user.id,
      email: user.email,
      role: 'user',
      settings: {},
      idNamespace: randomUUID(),
    };
    const message = { id: randomUUID(), parts: [{ type: 'text' as const, text }] };
    const request = { chatId, agent, documentId, action: { type: 'submit' as const, message } };
    const turn = { userId: user.id, chatId, request } as Turn;
    const admission = app.app.get(TurnAdmission);
    const chosen = { agentType: agent, model };
    const { firstCost } = await admission.request(turn, chosen, { identity, keys: {}, config });
    // One output token at 2.5.
    return (Number(firstCost?.expectedCost) * 1e6 - 2.5) / 0.3;
  }

  /** The tokens that the vendor got: texts, and descriptions of tools. */
  function sent(text: string): number {
    const request = app.double.requests.findLast(({ stream, userText }) => stream && userText.includes(text));
    const {
      contents,
      systemInstruction,
      tools = [],
    } = request?.body as {
      contents: Array<{ parts: Array<{ text?: string }> }>;
      systemInstruction?: { parts: Array<{ text?: string }> };
      tools?: unknown[];
    };
    const words = [...contents, systemInstruction ?? { parts: [] }].flatMap(({ parts }) =>
      parts.map((part) => part.text ?? ''),
    );
    return countTokens(words.join('\n')) + countTokens(JSON.stringify(tools));
  }

  async function ratio(chatId: string, text: string, agent: AnsweringAgent, documentId?: string) {
    const before = await estimated(chatId, text, agent, documentId);
    expect((await say(chatId, text, agent, documentId)).status).toBe(200);
    return before / sent(text);
  }

  it.each([
    ['English', ENGLISH.join('\n')],
    ['code', CODE.join('\n')],
    ['Japanese', JAPANESE.join('\n')],
  ])('is right for a message and a conversation: %s', async (_, text) => {
    const chatId = randomUUID();
    const question = `${text}\n(${randomUUID()})`;
    const first = await ratio(chatId, question, 'chat');
    expect(first).toBeGreaterThan(0.8);
    expect(first).toBeLessThan(1.25);
    // The double repeats the message, so the conversation now contains it three times.
    const second = await ratio(chatId, `And now? (${randomUUID()})`, 'chat');
    expect(second).toBeGreaterThan(0.75);
    expect(second).toBeLessThan(1.4);
  });

  it('counts the tools of the agent, and the open document', async () => {
    const plain = await ratio(randomUUID(), `Without a document ${randomUUID()}`, 'artifact');
    expect(plain).toBeGreaterThan(0.7);
    expect(plain).toBeLessThan(1.4);

    const content = JAPANESE.join('\n').repeat(40);
    const created = await app.request('POST', '/api/documents', {
      user,
      body: { title: 'Notes', kind: 'text', content },
    });
    expect(created.status).toBe(201);
    const open = await ratio(randomUUID(), `With a document ${randomUUID()}`, 'artifact', created.body.id);
    expect(open).toBeGreaterThan(0.8);
    expect(open).toBeLessThan(1.25);
  });

  it('counts a picture as the vendor bills it, and not by its bytes', async () => {
    const chatId = randomUUID();
    const png = Buffer.alloc(300_000);
    png.write('\x89PNG\r\n\x1a\n\0\0\0\rIHDR', 'latin1');
    png.writeUInt32BE(1_000, 16);
    png.writeUInt32BE(1_000, 20);
    const url = `data:image/png;base64,${png.toString('base64')}`;
    const parts = [
      { type: 'text', text: 'What is this?' },
      { type: 'file', mediaType: 'image/png', url },
    ];
    const answer = await app.post(user, {
      id: chatId,
      message: { id: randomUUID(), role: 'user', parts },
      model: MODEL,
      agent: 'chat',
    });
    expect(answer.status).toBe(200);
    // A conversation with the picture in it: four tiles of 258 tokens, and little text.
    const tokens = await estimated(chatId, 'And what else?', 'chat');
    expect(tokens).toBeGreaterThan(1_032);
    expect(tokens).toBeLessThan(1_400);
  });
});
