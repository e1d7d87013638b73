import { randomUUID } from 'node:crypto';
import { type AnswerReader, type ChatApp, startChatApp, userMessage } from '../support/chat-app.js';
import type { TestUser } from '../support/app.js';
import { answerCalls, messagesOf, resume, saying, stop } from '../support/turns.js';

/** A chat has one running answer at a time. The same message attaches to it, and any other message is refused. */
describe('messages during a running answer', () => {
  let app: ChatApp;
  let user: TestUser;

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
  });

  afterEach(() => app.double.reset());

  afterAll(() => app.close());

  async function begin(chatId: string, message: object): Promise<AnswerReader> {
    app.double.enqueue({ text: ['First ', 'and last.'], pauseAfter: 1 });
    const reader = await app.open(user, { id: chatId, message });
    await reader.until(saying('First '));
    return reader;
  }

  const startOf = ({ chunks }: Pick<AnswerReader, 'chunks'>) => chunks[0] as { messageId: string };

  it('attach to the answer if the message is the same, in both forms of the body', async () => {
    const chatId = randomUUID();
    const message = userMessage('once and again', randomUUID());
    const first = await begin(chatId, message);
    const again = await app.open(user, { id: chatId, message });
    const messages = [userMessage('earlier', 'earlier'), message];
    const third = await app.open(user, { id: chatId, messages, trigger: 'submit-message' });
    expect([again.response.status, third.response.status]).toEqual([200, 200]);
    app.double.resume();
    for (const answer of await Promise.all([first.rest(), again.rest(), third.rest()])) {
      expect(answer.text).toBe('First and last.');
      expect(answer.chunks[0]).toEqual(startOf(first));
      expect(answer.done).toBe(true);
    }
    expect(answerCalls(app, 'once and again')).toHaveLength(1);
    expect((await messagesOf(app, user, chatId)).map(({ role }) => role)).toEqual(['user', 'assistant']);
  });

  it('attach also before the first token, and both get the error when it fails', async () => {
    const message = userMessage('fails twice', randomUUID());
    const chatId = randomUUID();
    app.double.enqueue({ firstDelayMs: 500, fault: { type: 'status', status: 401 } });
    const [one, other] = await Promise.all([
      app.post(user, { id: chatId, message }),
      app.post(user, { id: chatId, message }),
    ]);
    for (const { status, problem } of [one, other])
      expect([status, problem.code]).toEqual([400, 'api_key_missing']);
    expect(one.problem.requestId).not.toBe(other.problem.requestId);
    expect(answerCalls(app, 'fails twice')).toHaveLength(1);
  });

  it('are refused if they would start another answer, and do no harm', async () => {
    const chatId = randomUUID();
    const before = userMessage('the one before', randomUUID());
    await app.post(user, { id: chatId, message: before });
    const messageId = randomUUID();
    const message = userMessage('the running one', messageId);
    const reader = await begin(chatId, message);
    const [, , , running] = await messagesOf(app, user, chatId);
    const bodies: Record<string, object> = {
      'another message': { message: userMessage('another one') },
      'the same words as a new message': { message: { ...message, id: randomUUID() } },
      'an edit of the running message': { message: userMessage('edited', messageId) },
      'an edit of an earlier message': { message: { ...before, parts: [{ type: 'text', text: 'other' }] } },
      'a retry of an earlier message': { message: before },
      'answering again': { trigger: 'regenerate-message' },
      'answering this again': { trigger: 'regenerate-message', messageId: running?.id },
    };
    for (const [what, body] of Object.entries(bodies)) {
      const { status, problem } = await app.post(user, { id: chatId, ...body });
      expect([what, status, problem.code]).toEqual([what, 409, 'stream_in_progress']);
    }
    const stranger = await app.createUser();
    const foreign = await app.post(stranger, { id: chatId, message });
    expect([foreign.status, foreign.problem.code]).toEqual([404, 'not_found']);

    app.double.resume();
    expect((await reader.rest()).text).toBe('First and last.');
    const messages = await messagesOf(app, user, chatId);
    expect(messages.map(({ role, status }) => [role, status])).toEqual([
      ['user', 'complete'],
      ['assistant', 'complete'],
      ['user', 'complete'],
      ['assistant', 'complete'],
    ]);
    expect(app.double.requests.filter(({ stream }) => stream)).toHaveLength(2);
    // The chat is free again as soon as the answer has ended.
    expect((await app.say(user, chatId, 'and the next')).status).toBe(200);
  });

  it('make one turn of two identical messages at the same moment', async () => {
    for (let round = 0; round < 5; round++) {
      const chatId = randomUUID();
      const message = userMessage(`twins ${round}`, randomUUID());
      const twins = await Promise.all([
        app.post(user, { id: chatId, message }),
        app.post(user, { id: chatId, message }),
      ]);
      expect(twins.map(({ status, text }) => [status, text])).toEqual([
        [200, `You said: twins ${round}`],
        [200, `You said: twins ${round}`],
      ]);
      expect(startOf(twins[0])).toEqual(startOf(twins[1]));
      expect(answerCalls(app, `twins ${round}`)).toHaveLength(1);
      expect(await messagesOf(app, user, chatId)).toHaveLength(2);
    }
  });

  it('get one answer if two different messages arrive at the same moment, and one refusal', async () => {
    for (let round = 0; round < 5; round++) {
      const chatId = randomUUID();
      const rivals = await Promise.all(
        ['left', 'right'].map((side) => app.say(user, chatId, `${side} rival ${round}`)),
      );
      expect(rivals.map(({ status }) => status).sort()).toEqual([200, 409]);
      expect(rivals.find(({ status }) => status === 409)?.problem.code).toBe('stream_in_progress');
      expect(answerCalls(app, `rival ${round}`)).toHaveLength(1);
      expect(await messagesOf(app, user, chatId)).toHaveLength(2);
    }
  });

  it('can start a turn after a turn was refused', async () => {
    const chatId = randomUUID();
    const refused = await app.say(user, chatId, 'no', { body: { model: 'google/unheard-of' } });
    expect(refused.status).toBe(400);
    expect((await app.say(user, chatId, 'yes')).status).toBe(200);
    expect((await (await resume(app, user, chatId)).rest()).text).toBe('You said: yes');
    expect(await stop(app, user, chatId)).toEqual({ stopped: false });
  });

  it('do not affect other chats of the same user', async () => {
    const reader = await begin(randomUUID(), userMessage('a long one'));
    expect((await app.say(user, randomUUID(), 'a short one')).text).toBe('You said: a short one');
    app.double.resume();
    await reader.rest();
  });
});
