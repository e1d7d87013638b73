import { randomUUID } from 'node:crypto';
import { userMessage } from '../support/chat-app.js';
import { type ChatServers, prepareChatServers } from '../support/chat-servers.js';
import { retryOnce } from '../support/measured.js';
import { freePort } from '../support/server-process.js';
import { send } from '../support/turns.js';

retryOnce();

/** The longest turn of the event loop, in milliseconds of processor time. Test machines are slow. */
const MAX_TURN = 250;
const TOKENS = 8_000;

/** A provider can send faster than this server processes. Everybody else still gets a turn. */
describe('answers at full speed', () => {
  let servers: ChatServers;

  beforeAll(async () => {
    servers = await prepareChatServers();
  });

  afterAll(() => servers.close());

  it('do not block the server', async () => {
    const port = await freePort();
    const probe = new URL('../fuzz/event-loop-probe.js', import.meta.url).href;
    const server = await servers.start({ NODE_OPTIONS: `--import=${probe}`, FUZZ_PROBE_PORT: String(port) });
    const worst = async () =>
      (await (await fetch(`http://127.0.0.1:${port}`)).json()) as { delay: number; processor: number };
    const users = await Promise.all([1, 2, 3].map(() => servers.createUser()));
    // Compiled code and prepared statements.
    await (await send(server, users[0]!, { id: randomUUID(), message: userMessage('warm up') })).rest();
    await worst();
    const answers = users.map(async (user) => {
      servers.double.enqueue({ tokens: TOKENS }, { when: ({ stream }) => stream });
      const reader = await send(server, user, {
        id: randomUUID(),
        message: userMessage('fast', randomUUID()),
      });
      return reader.rest();
    });
    for (const { chunks, done } of await Promise.all(answers)) {
      expect(done).toBe(true);
      expect(chunks.at(-1)?.type).toBe('finish');
    }
    const { delay, processor } = await worst();
    if (process.env['TEST_FIGURES'])
      process.stderr.write(`longest turn: ${delay} ms, ${processor} ms of processor time\n`);
    expect(processor).toBeLessThan(MAX_TURN);
  });
});
