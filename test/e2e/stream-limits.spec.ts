import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestUser } from '../support/app.js';
import { type ChatApp, eventually, startChatApp, userMessage } from '../support/chat-app.js';
import { isTitleCall } from '../doubles/wire/reply.js';
import { saying } from '../support/turns.js';

const isAnswer = (facts: Parameters<typeof isTitleCall>[0]) => !isTitleCall(facts);

describe('the limits of running answers', () => {
  let app: ChatApp;

  beforeAll(async () => {
    app = await startChatApp({
      MAX_STREAMS: '3',
      MAX_STREAMS_PER_USER: '2',
      MAX_EVENT_LOOP_DELAY_MS: '100',
    });
  });

  beforeEach(() => {
    app.double.reset();
    app.double.enqueue({ text: ['Half ', 'and half'], pauseAfter: 1 }, { when: isAnswer, times: 3 });
  });

  afterAll(() => app.close());

  const bodyOf = (id: string = randomUUID()) => ({ id, message: userMessage('Go on'), agent: 'chat' });
  const begin = async (user: TestUser, body = bodyOf()) => {
    const reader = await app.open(user, body);
    await reader.until(saying('Half '));
    return reader;
  };

  it('are those of a user, and of the instance; running answers continue', async () => {
    const [ada, eve] = [await app.createUser(), await app.createUser()];
    const first = bodyOf();
    const readers = [await begin(ada, first), await begin(ada)];
    const refused = await app.say(ada, randomUUID(), 'One more', { body: { agent: 'chat' } });
    expect(refused).toMatchObject({ status: 429, problem: { code: 'rate_limited' } });
    expect(refused.problem.detail).toBe(
      '2 of your answers are being generated. Send the message again when one of them has ended.',
    );
    expect(refused.headers.get('retry-after')).toBe('2');
    readers.push(await begin(eve));
    const full = await app.say(await app.createUser(), randomUUID(), 'One more', { body: { agent: 'chat' } });
    expect(full).toMatchObject({ status: 503, problem: { code: 'internal' } });
    expect(full.headers.get('retry-after')).toBe('2');
    // The same message again attaches to its answer.
    const again = await app.open(ada, first);
    app.double.resume();
    for (const reader of [...readers, again]) expect((await reader.rest()).text).toBe('Half and half');
    await eventually(async () => {
      const { status } = await app.say(ada, randomUUID(), 'One more', { body: { agent: 'chat' } });
      return status === 200;
    });
  });

  it('keep an overloaded process for the answers that it writes', async () => {
    const user = await app.createUser();
    const first = bodyOf();
    const reader = await begin(user, first);
    let isBlocking = true;
    const block = () => {
      for (const until = performance.now() + 400; performance.now() < until;) continue;
      // In between, requests are served.
      if (isBlocking) setTimeout(block, 30);
    };
    block();
    await sleep(3_000);
    const refused = app.say(user, randomUUID(), 'One more', { body: { agent: 'chat' } });
    // Nor does it stop one of them for a message that it refuses.
    const rival = app.say(user, first.id, 'Now', { body: { agent: 'chat', interrupt: true } });
    for (const answer of [refused, rival]) expect(await answer).toMatchObject({ status: 503 });
    isBlocking = false;
    app.double.resume();
    expect((await reader.rest()).text).toBe('Half and half');
    app.double.reset();
    await eventually(async () => {
      const { status } = await app.say(user, randomUUID(), 'One more', { body: { agent: 'chat' } });
      return status === 200;
    });
  });
});
