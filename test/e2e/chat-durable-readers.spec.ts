import { randomUUID } from 'node:crypto';
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { PING } from '../../src/common/http/event-stream.js';
import { type ChatApp, eventually, readAnswer, startChatApp, userMessage } from '../support/chat-app.js';
import type { TestUser } from '../support/app.js';
import { RawConnection } from '../support/raw-http.js';
import { answerCalls, gauge, resume, saying, stop, storedAnswer, textOfParts } from '../support/turns.js';

const MEGABYTE = 1024 ** 2;

/** Some readers are slow, some stop reading, some wait for a long time. None of them affects the others. */
describe('readers of an answer', () => {
  let app: ChatApp;
  let user: TestUser;
  /** The server's side of all connections. */
  const sockets: Socket[] = [];

  beforeAll(async () => {
    app = await startChatApp();
    user = await app.createUser();
    const server: Server = app.app.getHttpServer();
    server.on('connection', (socket) => sockets.push(socket));
  });

  afterEach(() => {
    PING.interval = 15_000;
    app.double.reset();
  });

  afterAll(() => app.close());

  it('do not slow the model or each other, or use memory, when they stop reading', async () => {
    const chatId = randomUUID();
    const characters = 6 * MEGABYTE;
    app.double.enqueue({ fault: { type: 'flood', characters } });
    const live = await app.open(user, { id: chatId, message: userMessage('a flood') });
    // These send a request and do not read the response.
    const slow = await Promise.all(Array.from({ length: 5 }, () => resume(app, user, chatId)));
    expect(slow.map(({ response }) => response.status)).toEqual([200, 200, 200, 200, 200]);

    const whole = await live.rest();
    expect(whole.done).toBe(true);
    expect(whole.text.length).toBeGreaterThanOrEqual(characters);
    const answer = await storedAnswer(app, user, chatId);
    expect(answer.status).toBe('complete');
    expect(textOfParts(answer) === whole.text).toBe(true);
    expect(answerCalls(app, 'a flood')[0]).toMatchObject({ state: 'ended', closedByClient: false });

    // Their data is in the log once, not in each connection.
    const waiting = sockets.filter(({ writableLength }) => writableLength > 0);
    expect(waiting).toHaveLength(5);
    for (const { writableLength } of waiting) expect(writableLength).toBeLessThan(MEGABYTE);

    // Each of them still gets everything as soon as it reads.
    for (const late of await Promise.all(slow.map((reader) => reader.rest()))) {
      expect(late.text === whole.text).toBe(true);
      expect(late.chunks.at(-1)).toEqual(whole.chunks.at(-1));
      expect(late.done).toBe(true);
    }
  });

  it('get a long answer in portions when they come late', async () => {
    const chatId = randomUUID();
    const text = Array.from({ length: 40 }, (_, index) => `${index} 🐘 `.repeat(30_000));
    app.double.enqueue({ text, pauseAfter: text.length });
    const live = await app.open(user, { id: chatId, message: userMessage('many elephants') });
    await live.until(saying(text.at(-1)!));
    const late = await resume(app, user, chatId);
    // Until it reads, more is waiting for it than it was sent.
    await eventually(() => Promise.resolve(sockets.some(({ writableLength }) => writableLength > 0)));
    for (const { writableLength } of sockets) expect(writableLength).toBeLessThan(MEGABYTE);
    app.double.resume();
    const [whole, replayed] = [await live.rest(), await late.rest()];
    expect(replayed.text === whole.text && whole.text === text.join('')).toBe(true);
    // No portion ends in the middle of an emoji.
    for (const chunk of replayed.chunks)
      if (chunk.type === 'text-delta') expect(chunk.delta.isWellFormed()).toBe(true);
  });

  it('see the end of an answer that does not end by itself', async () => {
    const chatId = randomUUID();
    app.double.enqueue({ fault: { type: 'flood', characters: 64 * MEGABYTE } });
    const reader = await app.open(user, { id: chatId, message: userMessage('no end') });
    const { chunks, text, done } = await reader.rest();
    expect(chunks.at(-1)).toEqual({
      type: 'error',
      errorText: 'The answer became too long and was stopped.',
    });
    expect(done).toBe(true);
    expect(text.length).toBeLessThan(20 * MEGABYTE);
    await app.double.until(() => answerCalls(app, 'no end')[0]?.state === 'ended');
    expect(answerCalls(app, 'no end')[0]?.closedByClient).toBe(true);
    const answer = await storedAnswer(app, user, chatId);
    expect(answer.status).toBe('failed');
    expect(textOfParts(answer) === text).toBe(true);
  });

  it('get a ping after silence, so that connections stay open', async () => {
    // Shorter than the 30 seconds after which some proxies time out. The test does not wait that long.
    expect(PING.interval).toBe(15_000);
    PING.interval = 1_500;
    const chatId = randomUUID();
    app.double.enqueue({ text: ['Let me see.', ' Yes.'], pauseAfter: 1 });
    const reader = await app.open(user, { id: chatId, message: userMessage('think hard') });
    await reader.until(saying('Let me see.'));
    const path = `${app.url}/api/chat/${chatId}/stream`;
    const quiet = await fetch(path, { headers: user.headers });
    const [forUs, forParser] = quiet.body!.tee();
    const parsed = readAnswer(new Response(forParser, { headers: quiet.headers }));
    const decoder = new TextDecoder();
    let raw = '';
    const startedAt = performance.now();
    const source = forUs.getReader();
    while (!raw.includes(': ping\n\n')) {
      const { value, done } = await source.read();
      if (done) throw new Error('the answer ended');
      raw += decoder.decode(value, { stream: true });
    }
    const silence = performance.now() - startedAt;
    expect(silence).toBeGreaterThan(1_400);
    expect(silence).toBeLessThan(4_000);
    source.releaseLock();
    app.double.resume();
    // Clients of the protocol ignore it.
    const [one, other] = [await reader.rest(), await parsed.rest()];
    expect(one.text).toBe('Let me see. Yes.');
    expect(other.text).toBe('Let me see. Yes.');
    expect(other.done).toBe(true);
    expect(await stop(app, user, chatId)).toEqual({ stopped: false });
  });

  it('get the whole answer after they have closed their sending side, and are missed when they have left', async () => {
    const chatId = randomUUID();
    app.double.enqueue({ text: ['Half ', 'open.'], pauseAfter: 1 });
    const body = JSON.stringify({ id: chatId, message: userMessage('a half-closed connection') });
    const post = [
      'POST /api/chat HTTP/1.1',
      'host: localhost',
      `authorization: ${user.headers.authorization}`,
      'content-type: application/json',
      `content-length: ${Buffer.byteLength(body)}`,
    ];
    const get = [`GET /api/chat/${chatId}/stream HTTP/1.1`, 'host: localhost', post[2]];
    const sending = await RawConnection.open(app.url);
    sending.send([...post, '', body].join('\r\n')).socket.end();
    await sending.until(({ received }) => received.includes('Half '));
    const resuming = await RawConnection.open(app.url);
    resuming.send([...get, '', ''].join('\r\n')).socket.end();
    await resuming.until(({ received }) => received.includes('Half '));
    const leaving = await RawConnection.open(app.url);
    leaving.send([...get, '', ''].join('\r\n'));
    await leaving.until(({ received }) => received.includes('Half '));
    expect(await gauge(app, 'switchboard_stream_readers')).toBe(3);
    leaving.socket.destroy();
    await eventually(async () => (await gauge(app, 'switchboard_stream_readers')) === 2);
    app.double.resume();
    for (const reader of [sending, resuming]) {
      await reader.until(({ closed }) => closed);
      expect(reader.received).toContain('open.');
      expect(reader.received).toContain('"type":"finish"');
      // The response ends as it should.
      expect(reader.received).toMatch(/data: \[DONE\]\n\n\r\n0\r\n\r\n$/);
      reader.close();
    }
  });
});
