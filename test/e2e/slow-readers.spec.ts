import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { eventually, userMessage } from '../support/chat-app.js';
import { type ChatServers, prepareChatServers } from '../support/chat-servers.js';
import { gauge, messagesOf, send, textOfParts } from '../support/turns.js';

const MEGABYTE = 1024 ** 2;
const ANSWERS = 12;
const READERS = 120;

/** Readers that take a byte now and then, of long answers that have long ended. */
describe('many slow readers of long answers', () => {
  let servers: ChatServers;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    servers = await prepareChatServers();
  });

  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await servers.close();
  });

  it('are disconnected before the answers that are kept for them take much memory', async () => {
    const server = await servers.start({ NODE_OPTIONS: '--max-semi-space-size=16' });
    const resident = () => {
      const status = readFileSync(`/proc/${server.process.pid}/status`, 'utf8');
      return Number(/^VmRSS:\s+(\d+) kB/m.exec(status)?.[1]) / 1024;
    };
    const user = await servers.createUser();
    const { hostname, port } = new URL(server.url);
    const chats: Array<{ chatId: string; text: string }> = [];
    let before = 0;
    for (let count = 0; count < ANSWERS; count++) {
      const chatId = randomUUID();
      servers.double.enqueue(
        { fault: { type: 'flood', characters: 6 * MEGABYTE } },
        { when: ({ stream }) => stream },
      );
      const live = await send(server, user, { id: chatId, message: userMessage('a flood', randomUUID()) });
      for (let reader = 0; reader < READERS / ANSWERS; reader++) {
        const socket = connect({
          host: hostname,
          port: Number(port),
          onread: { buffer: Buffer.alloc(1), callback: () => false },
        });
        sockets.push(socket);
        socket.on('error', () => undefined);
        socket.write(
          `GET /api/chat/${chatId}/stream HTTP/1.1\r\nhost: localhost\r\nauthorization: ${user.headers.authorization}\r\n\r\n`,
        );
      }
      const { text, done } = await live.rest();
      expect(done).toBe(true);
      chats.push({ chatId, text });
      if (count === 1) before = resident();
    }
    if (process.env['TEST_FIGURES']) process.stderr.write(`resident: ${before} MB, then ${resident()} MB\n`);
    // Five answers of 6 MB fit into the limit.
    const readers = await eventually(async () => {
      const count = await gauge(server, 'switchboard_stream_readers');
      return count <= (5 * READERS) / ANSWERS && count;
    });
    expect(readers).toBeGreaterThan(0);
    expect(resident() - before).toBeLessThan(300);
    const { chatId, text } = chats[0]!;
    expect(textOfParts((await messagesOf(server, user, chatId)).at(-1)!) === text).toBe(true);
  });
});
