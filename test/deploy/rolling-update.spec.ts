import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { TestUser } from '../support/app.js';
import { textOfChunks, userMessage } from '../support/chat-app.js';
import { type ChatServers, prepareChatServers } from '../support/chat-servers.js';
import { freePort } from '../support/free-port.js';
import { NameServer } from '../support/name-server.js';
import { HAS_NGINX, type Nginx, startNginx } from '../support/nginx.js';
import { HAS_REDIS, RedisServer } from '../support/redis.js';
import type { ServerProcess } from '../support/server-process.js';
import { send } from '../support/turns.js';

const SETTINGS = join(import.meta.dirname, '../../deploy/compose/nginx.conf');
const INSTANCES = 3;
const WORDS = Array.from({ length: 40 }, (_, index) => `word${index} `);
const CLIENTS = 12;

/** All addresses of 127.0.0.0/8 belong to a machine with Linux, so each instance can have one, as in containers. */
const canRun = HAS_NGINX && process.platform === 'linux';
if (!canRun)
  process.stderr.write('Left out: a rolling update behind nginx (Linux with Debian’s nginx-light)\n');

(canRun ? describe : describe.skip)('a rolling update of three instances behind nginx', () => {
  let servers: ChatServers;
  let names: NameServer;
  let nginx: Nginx;
  let redis: RedisServer | undefined;
  let port: number;
  let started = 0;

  beforeAll(async () => {
    servers = await prepareChatServers();
    names = await NameServer.start();
    redis = HAS_REDIS ? await RedisServer.start() : undefined;
    port = await freePort();
    nginx = await startNginx((own) => {
      const replacements = [
        ['listen 3000;', `listen 127.0.0.1:${own};`],
        ['resolver 127.0.0.11 valid=2s', `resolver 127.0.0.1:${names.port} valid=2s`],
        ['http://api:3000;', `http://api:${port};`],
      ] as const;
      return replacements.reduce(
        (text, [from, to]) => {
          expect(text).toContain(from);
          return text.replace(from, to);
        },
        readFileSync(SETTINGS, 'utf8'),
      );
    });
  });

  afterAll(async () => {
    await nginx.stop();
    await servers.close();
    await redis?.stop();
    names.close();
  });

  /** A new instance is known as soon as it is ready. */
  const start = async (): Promise<[ServerProcess, address: string]> => {
    const address = `127.0.1.${++started}`;
    const server = await servers.start({
      HOST: address,
      PORT: String(port),
      TRUST_PROXY: '1',
      SHUTDOWN_TIMEOUT_MS: '20000',
      ...(redis && { REDIS_URL: redis.url }),
    });
    names.addresses.add(address);
    return [server, address];
  };

  it('refuses no message and cuts off no answer', async () => {
    servers.double.enqueue(
      { text: WORDS, chunkDelayMs: 60 },
      { when: ({ stream }) => stream, times: Infinity },
    );
    const old = await Promise.all(Array.from({ length: INSTANCES }, start));
    const users = await Promise.all(Array.from({ length: CLIENTS }, () => servers.createUser()));
    let isOver = false;
    const outcomes: string[] = [];
    const converse = async (user: TestUser) => {
      while (!isOver) {
        // Each is sent once, by a client that tries nothing again.
        const reader = await send(nginx, user, {
          id: randomUUID(),
          message: userMessage('Go on'),
          agent: 'chat',
        });
        const { chunks, done } = await reader.rest();
        const isWhole = done && textOfChunks(chunks) === WORDS.join('');
        outcomes.push(isWhole ? 'whole' : `${reader.response.status} ${chunks.at(-1)?.type}`);
      }
    };
    const list = async (user: TestUser) => {
      while (!isOver) {
        const { status } = await fetch(`${nginx.url}/api/chats`, { headers: user.headers });
        if (status !== 200) outcomes.push(`list ${status}`);
        await sleep(50);
      }
    };
    const clients = [...users.map(converse), list(users[0]!)];
    await sleep(1_000);
    for (const [server, address] of old) {
      await start();
      expect(await server.stop('SIGTERM')).toBe(0);
      // Docker's name server forgets an instance when it has ended.
      names.addresses.delete(address);
    }
    isOver = true;
    await Promise.all(clients);
    expect(outcomes.filter((outcome) => outcome !== 'whole')).toEqual([]);
    expect(outcomes.length).toBeGreaterThan(CLIENTS * INSTANCES);
    // Otherwise nothing has proven that nginx passes on what an instance refuses.
    const refused = old.filter(([server]) => server.output().includes('"status":503'));
    expect(refused.length).toBeGreaterThan(0);
  });
});
