import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ChatServers, prepareChatServers } from '../support/chat-servers.js';
import { eventually, userMessage } from '../support/chat-app.js';
import type { TestUser } from '../support/app.js';
import { hold } from '../support/row-locks.js';
import type { ServerProcess } from '../support/server-process.js';
import { send } from '../support/turns.js';

/** A lost connection only affects the requests that use it, and never the process. */
describe('lost connections', () => {
  let servers: ChatServers;
  let server: ServerProcess;
  let users: TestUser[];

  beforeAll(async () => {
    servers = await prepareChatServers();
    server = await servers.start();
    users = await Promise.all(Array.from({ length: 6 }, () => servers.createUser()));
  });

  afterEach(() => servers.double.reset());

  afterAll(() => servers.close());

  const list = (user: TestUser) => fetch(`${server.url}/api/chats`, { headers: user.headers });

  const terminate = (condition: string) =>
    servers.database.query(
      `select pg_terminate_backend(pid) from pg_stat_activity
        where datname = current_database() and application_name like 'switchboard%' and ${condition}`,
    );

  async function expectAlive(): Promise<void> {
    expect([server.process.exitCode, server.process.signalCode]).toEqual([null, null]);
    expect(server.output()).not.toMatch(/unhandled/i);
    const user = users[0]!;
    await eventually(async () => {
      const answer = await (
        await send(server, user, { id: randomUUID(), agent: 'chat', message: userMessage('are you there') })
      ).rest();
      return answer.status === 200 && answer.chunks.at(-1)?.type === 'finish';
    });
    expect((await list(user)).status).toBe(200);
  }

  it('while a list waits', async () => {
    const holder = await hold(servers.database);
    try {
      await holder.query('lock table chat in access exclusive mode');
      const asked = Promise.all(users.map(list));
      const waiting = `wait_event_type = 'Lock'`;
      await eventually(async () => {
        const rows = await servers.database.query(
          `select from pg_stat_activity where datname = current_database()
             and application_name = 'switchboard' and ${waiting}`,
        );
        return rows.length === users.length;
      });
      await terminate(waiting);
      for (const response of await asked) {
        expect(response.status).toBe(503);
        expect(Number(response.headers.get('retry-after'))).toBeGreaterThan(0);
      }
    } finally {
      await holder.release();
    }
    await expectAlive();
  });

  it('in waves, while turns and lists run', async () => {
    let isOver = false;
    const statuses = new Set<number>();
    const work = users.flatMap((user) => [
      (async () => {
        while (!isOver) statuses.add((await list(user)).status);
      })(),
      (async () => {
        while (!isOver) {
          const body = { id: randomUUID(), agent: 'chat', message: userMessage('go on') };
          const reader = await send(server, user, body);
          statuses.add(reader.response.status);
          await reader.rest();
        }
      })(),
    ]);
    for (let wave = 0; wave < 25; wave++) {
      await sleep(100 + ((wave * 37) % 60));
      await terminate(wave % 5 === 0 ? 'true' : `application_name = 'switchboard'`);
    }
    isOver = true;
    await Promise.all(work);
    expect([...statuses].sort()).toEqual([200, 503]);
    await expectAlive();
  });

  it('or that became read-only', async () => {
    const name = new URL(servers.database.url).pathname.slice(1);
    await servers.database.query(`alter database ${name} set default_transaction_read_only = on`);
    try {
      await terminate('true');
      await eventually(async () => (await list(users[0]!)).status === 200);
      for (let round = 0; round < 40; round++) {
        const body = { id: randomUUID(), agent: 'chat', message: userMessage('write this') };
        const answer = await (await send(server, users[round % users.length]!, body)).rest();
        expect(answer.status).toBe(503);
        expect(answer.problem.code).toBe('internal');
      }
    } finally {
      await servers.database.query(`begin; set transaction read write;
        alter database ${name} set default_transaction_read_only = off; commit`);
    }
    await terminate('true');
    await expectAlive();
  });
});
