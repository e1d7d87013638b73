import { randomUUID } from 'node:crypto';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { type ChatApp, eventually, startChatApp } from '../support/chat-app.js';

/** A provider that accepts connections and never finishes TLS. */
describe('a provider that never finishes the TLS handshake', () => {
  const sockets = new Set<Socket>();
  let provider: Server;
  let app: ChatApp;

  beforeAll(async () => {
    provider = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => undefined).resume();
      socket.on('close', () => sockets.delete(socket));
    });
    await new Promise<void>((resolve) => provider.listen(0, '127.0.0.1', resolve));
    const { port } = provider.address() as AddressInfo;
    app = await startChatApp({
      GOOGLE_BASE_URL: `https://127.0.0.1:${port}`,
      UPSTREAM_FIRST_BYTE_TIMEOUT_MS: '700',
    });
  });
  afterAll(async () => {
    await app?.close();
    for (const socket of sockets) socket.destroy();
    provider.close();
  });

  it('ends every call at its own deadline, however many there are', async () => {
    const users = await Promise.all(Array.from({ length: 6 }, () => app.createUser()));
    const startedAt = performance.now();
    const answers = await Promise.all(
      users.map((user) => app.say(user, randomUUID(), 'Hello', { body: { agent: 'chat' } })),
    );
    expect(answers.map(({ problem }) => problem?.code)).toEqual(answers.map(() => 'upstream_timeout'));
    expect(performance.now() - startedAt).toBeLessThan(6_000);
    expect(sockets.size).toBeGreaterThanOrEqual(users.length);
  });

  it('lets the user stop at once', async () => {
    const user = await app.createUser();
    const chatId = randomUUID();
    const open = sockets.size;
    const answer = app.say(user, chatId, 'Hello', { body: { agent: 'chat' } });
    await eventually(() => Promise.resolve(sockets.size > open));
    const startedAt = performance.now();
    const stopped = await app.request('POST', `/api/chat/${chatId}/stop`, { user });
    expect(stopped.body).toEqual({ stopped: true });
    await answer;
    expect(performance.now() - startedAt).toBeLessThan(500);
  });
});
