import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { userMessage } from '../support/chat-app.js';
import { type ChatServers, prepareChatServers } from '../support/chat-servers.js';
import { freePort } from '../support/free-port.js';
import { send } from '../support/turns.js';

/** The longest turn of the event loop, in milliseconds of processor time. Test machines are slow. */
const MAX_TURN = 120;
const TOKENS = 10_000;

/** A provider can send faster than this server processes. Everybody else still gets a turn. */
describe('answers at full speed', () => {
  let servers: ChatServers;

  beforeAll(async () => {
    servers = await prepareChatServers();
  });

  afterAll(() => servers.close());

  it('do not keep other requests waiting', async () => {
    const port = await freePort();
    const probe = new URL('../fuzz/event-loop-probe.js', import.meta.url).href;
    const server = await servers.start({ NODE_OPTIONS: `--import=${probe}`, FUZZ_PROBE_PORT: String(port) });
    const longestTurn = async () => {
      const response = await fetch(`http://127.0.0.1:${port}`);
      return ((await response.json()) as { processor: number }).processor;
    };
    const users = await Promise.all([1, 2, 3].map(() => servers.createUser()));
    // Compiled code and prepared statements.
    await (await send(server, users[0]!, { id: randomUUID(), message: userMessage('warm up') })).rest();
    await longestTurn();
    let answering = true;
    const answers = Promise.all(
      users.map(async (user) => {
        servers.double.enqueue({ tokens: TOKENS }, { when: ({ stream }) => stream });
        const reader = await send(server, user, {
          id: randomUUID(),
          message: userMessage('fast', randomUUID()),
        });
        return reader.rest();
      }),
    ).finally(() => (answering = false));
    const delays: number[] = [];
    while (answering) {
      const askedAt = performance.now();
      const list = await fetch(`${server.url}/api/chats`, {
        headers: { authorization: `Bearer ${users[0]!.token}` },
      });
      expect(list.status).toBe(200);
      await list.text();
      delays.push(performance.now() - askedAt);
      await sleep(20);
    }
    for (const { chunks, done } of await answers) {
      expect(done).toBe(true);
      expect(chunks.at(-1)?.type).toBe('finish');
    }
    const longest = await longestTurn();
    if (process.env['TEST_FIGURES'])
      process.stderr.write(
        `longest turn: ${longest} ms; ${delays.length} lists, slowest ${Math.max(...delays)} ms\n`,
      );
    expect(longest).toBeLessThan(MAX_TURN);
    // Answers that kept everyone waiting would leave time for a few lists only.
    expect(delays.length).toBeGreaterThan(10);
  });
});
