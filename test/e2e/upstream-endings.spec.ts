import { randomUUID } from 'node:crypto';
import { POSSIBLE_END } from '../../src/modules/models/response-stream.js';
import type { Fault } from '../doubles/script.js';
import type { TestUser } from '../support/app.js';
import { type ChatApp, eventually, startBeside, startChatApp } from '../support/chat-app.js';
import { eachSideBySide } from '../support/side-by-side.js';
import { answerCalls, messagesOf } from '../support/turns.js';
import { MODELS, type Vendor } from '../support/wire-formats.js';

type How = (Fault & { type: 'after-end' })['how'];

const CASES = (Object.keys(MODELS) as Vendor[]).flatMap((vendor) =>
  (['silence', 'pings', 'reset', 'no-end-of-body'] as const).map((how): [Vendor, How] => [vendor, how]),
);
const { quiet } = POSSIBLE_END;

/** The vendor has sent its last event. How and when the connection ends says nothing about the answer. */
describe('a whole answer', () => {
  let app: ChatApp;
  let chatApp: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    // Gemini has no last event.
    POSSIBLE_END.quiet = 500;
    // The test fails by its own deadline, if the end of the connection is waited for.
    const environment = { UPSTREAM_FIRST_BYTE_TIMEOUT_MS: '600000', UPSTREAM_IDLE_TIMEOUT_MS: '600000' };
    app = await startChatApp(environment);
    chatApp = await startBeside(app, { ...environment, OPENAI_API: 'chat' });
    user = await app.createUser();
  });

  afterAll(async () => {
    POSSIBLE_END.quiet = quiet;
    await chatApp?.close();
    await app?.close();
  });

  eachSideBySide('of %s is complete, whatever its connection does: %s', CASES, async (vendor, how) => {
    const served = vendor === 'openaiChat' ? chatApp : app;
    const [chatId, question] = [randomUUID(), randomUUID()];
    served.double.enqueue(
      { text: ['one ', 'two'], usage: { input: 100, output: 40 }, fault: { type: 'after-end', how } },
      { when: ({ stream, userText }) => stream && userText === question },
    );
    const answer = await served.say(user, chatId, question, {
      body: { model: MODELS[vendor], agent: 'chat' },
    });
    expect([vendor, how, answer.text, answer.chunks.at(-1)?.type]).toEqual([
      vendor,
      how,
      'one two',
      'finish',
    ]);
    const stored = (await messagesOf(served, user, chatId)).at(-1)!;
    expect(stored).toMatchObject({ status: 'complete', inputTokens: 100, outputTokens: 40 });
    // Nothing of the call is left.
    await eventually(() => Promise.resolve(answerCalls(served, question)[0]?.state === 'ended'));
  });
});
