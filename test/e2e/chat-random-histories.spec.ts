import { randomUUID } from 'node:crypto';
import { addChat, addMessage } from '../fixtures/chat-rows.js';
import { Dice, randomHistory } from '../history/random-history.js';
import { type ChatApp, startChatApp } from '../support/chat-app.js';
import type { TestUser } from '../support/app.js';

const SEED = Number(process.env['HISTORY_SEED'] ?? 1);
const CHATS = 8;
const MODELS = ['google/gemini-2.5-flash', 'openai/gpt-5-mini', 'anthropic/claude-opus-4-6'];
const STATUSES = ['complete', 'stopped', 'interrupted', 'failed'];
const AGENTS = ['chat', 'chat', 'artifact'];

/** The walk of `test/history/random-histories.spec.ts`, through the running server: a few chats, but with all that is around them. */
describe('a chat of random history', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
  });

  afterEach(() => app.double.reset());

  afterAll(() => app.close());

  it.each(MODELS)('answers its next questions: %s', async (model) => {
    for (let index = 0; index < CHATS; index++) {
      const seed = SEED * 7_919 + index;
      const dice = new Dice(seed);
      const chatId = await addChat(app, user);
      for (const [place, { role, parts }] of randomHistory(dice).entries()) {
        // NUL and half pairs cannot be stored; what cannot be stored cannot be read.
        const stored = JSON.stringify(parts).replace(/\\u0000|\\ud[89a-f][0-9a-f]{2}/g, '');
        const createdAt = new Date(Date.UTC(2026, 0, 1, 0, place)).toISOString();
        await addMessage(app, chatId, {
          id: randomUUID(),
          role,
          parts: stored,
          status: dice.oneOf(STATUSES),
          createdAt,
        });
      }
      for (const question of ['And now?', 'And then?']) {
        const agent = dice.oneOf(AGENTS);
        const answer = await app.say(user, chatId, question, { body: { model, agent } });
        const refused = app.double.requests.filter(({ status = 0 }) => status >= 400);
        expect({ seed, status: answer.status, text: answer.text, problem: answer.problem?.detail }).toEqual({
          seed,
          status: 200,
          text: expect.stringContaining(question),
          problem: undefined,
        });
        // Each file that is broken inside costs one call, once.
        expect(refused.length).toBeLessThanOrEqual(question === 'And now?' ? 1 : 0);
        app.double.reset();
      }
    }
  });
});
