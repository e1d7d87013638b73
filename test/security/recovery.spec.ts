import { randomUUID } from 'node:crypto';
import { type ChatServers, prepareChatServers } from '../support/chat-servers.js';
import type { TestUser } from '../support/app.js';
import { eventually, userMessage } from '../support/chat-app.js';
import { hold } from '../support/row-locks.js';
import { send } from '../support/turns.js';

/** A number that no process has. */
const GONE = 12_345;

interface LeftAnswer {
  chatId: string;
  messageId: string;
}

/** After a crash, rows are closed one by one: no row that a user has forged or locked delays others. */
describe('recovery', () => {
  let servers: ChatServers;
  let user: TestUser;

  beforeEach(async () => {
    servers = await prepareChatServers();
    user = await servers.createUser();
  });

  afterEach(() => servers.close());

  const query = (sql: string, parameters?: unknown[]) => servers.database.query(sql, parameters);

  /** A running answer of an instance that no longer exists. */
  async function leave(parts = '[{"type":"text","text":"Hi","state":"streaming"}]'): Promise<LeftAnswer> {
    const [chatId, messageId] = [randomUUID(), randomUUID()];
    await query('insert into chat (id, user_id) values ($1, $2)', [chatId, user.id]);
    await query(
      `insert into "Message_v2" (id, "chatId", role, parts, status) values ($1, $2, 'assistant', $3, 'streaming')`,
      [messageId, chatId, parts],
    );
    await query('insert into "Stream" ("chatId", "messageId", "instanceId") values ($1, $2, $3)', [
      chatId,
      messageId,
      GONE,
    ]);
    return { chatId, messageId };
  }

  const stateOf = async ({ messageId }: LeftAnswer) => {
    const [row] = await query(
      `select status, parts::text as parts,
              exists (select from "Stream" where "messageId" = message.id) as marked
         from "Message_v2" message where id = $1`,
      [messageId],
    );
    return row as { status: string; parts: string; marked: boolean };
  };

  const CLOSED = {
    status: 'interrupted',
    parts: '[{"type":"text","text":"Hi","state":"done"}]',
    marked: false,
  };

  /** Rows that are older than the current constraints. */
  async function withoutChecks<T>(table: string, work: () => Promise<T>): Promise<T> {
    const checks = await query(
      `select conname as name, pg_get_constraintdef(oid) as definition from pg_constraint
        where conrelid = $1::regclass and contype = 'c'`,
      [table],
    );
    for (const { name } of checks) await query(`alter table ${table} drop constraint "${name}"`);
    const result = await work();
    for (const { name, definition } of checks)
      await query(`alter table ${table} add constraint "${name}" ${definition} not valid`);
    return result;
  }

  /** The deepest parts that PostgreSQL stores. A longer statement does not have enough stack to read them again. */
  async function leaveDeepest(): Promise<LeftAnswer> {
    const nested = (depth: number) =>
      `[{"type":"text","text":"Hi","state":"streaming","deep":${'['.repeat(depth)}${']'.repeat(depth)}}]`;
    let [stored, refused] = [1_000, 200_000];
    while (refused - stored > 1) {
      const middle = Math.floor((stored + refused) / 2);
      const isStored = await query('select 1 where $1::json is not null', [nested(middle)]).then(
        () => true,
        () => false,
      );
      if (isStored) stored = middle;
      else refused = middle;
    }
    for (let depth = stored; ; depth -= 5) {
      const left = await withoutChecks('"Message_v2"', () => leave(nested(depth)).catch(() => undefined));
      if (left) return left;
      if (depth < stored - 2_000) throw new Error('No parts are deep enough.');
    }
  }

  it('closes the answers of others beside parts that cannot be read', async () => {
    const before = await leave();
    const deep = await leaveDeepest();
    const after = await leave();
    const server = await servers.start();
    expect(await Promise.all([before, after].map(stateOf))).toEqual([CLOSED, CLOSED]);
    const { status, marked } = await stateOf(deep);
    expect(['interrupted', 'failed']).toContain(status);
    expect(marked).toBe(false);
    expect(server.output()).toContain(deep.messageId);
  });

  it("closes the answers of others beside rows that violate today's constraints", async () => {
    const before = await leave();
    const forged = await withoutChecks('"Message_v2"', async () => {
      const rows = [
        await leave('"no list"'),
        await leave('{"type": "neither"}'),
        await leave('[1, null, [[]]]'),
        await leave(),
        await leave(),
      ];
      await query(`update "Message_v2" set "createdAt" = 'infinity' where id = $1`, [rows[3]!.messageId]);
      await query(`update "Message_v2" set role = 'nobody' where id = $1`, [rows[4]!.messageId]);
      return rows;
    });
    const after = await leave();
    const server = await servers.start();
    expect(await Promise.all([before, after].map(stateOf))).toEqual([CLOSED, CLOSED]);
    for (const left of forged.slice(0, 4)) expect((await stateOf(left)).status).not.toBe('streaming');
    // Rows that cannot be changed are logged, and do not stop the server.
    expect((await stateOf(forged[4]!)).status).toBe('streaming');
    expect(server.output()).toContain(forged[4]!.messageId);
    expect(server.output()).not.toContain('Recovery of interrupted answers failed');
  });

  /** A run of an instance that is gone, which had sent these calls. */
  async function leaveRun(calls: object[], messageId: string | null = null): Promise<void> {
    const byId = calls.map((call) => {
      const id = randomUUID();
      return [id, { id, agentType: 'chat', model: 'm', provider: 'p', ...call }];
    });
    await query(
      `insert into switchboard.runs (id, user_id, agent_type, instance_id, message_id, reserved_cost, expires_at, calls)
       values (gen_random_uuid(), $1, 'chat', $2, $3, 1, now() + interval '1 minute', $4)`,
      [user.id, GONE, messageId, JSON.stringify(Object.fromEntries(byId))],
    );
  }

  it('books the calls that were sent, with what they had cost at least, and lets go of what was reserved', async () => {
    const left = await leave();
    const { chatId, messageId } = left;
    const requestedAt = new Date(Date.now() - 5_000).toISOString();
    const figures = { inputTokens: 40, inputCost: '0.000012', totalCost: '0.000012' };
    const metadata = { purpose: 'answer', messageId, requestId: 'r', ownKey: false };
    const ended = {
      ...{ chatId, requestedAt, respondedAt: requestedAt, durationMs: 7, inputTokens: 3, outputTokens: 2 },
      ...{ totalCost: '0.000001', metadata: { purpose: 'title', status: 'success' } },
    };
    await leaveRun([{ chatId, requestedAt, ...figures, metadata }, ended], messageId);
    await servers.start();
    expect(await stateOf(left)).toEqual(CLOSED);
    const calls = await query(
      `select metadata ->> 'status' as status, input_tokens, output_tokens, total_cost::float8 as cost,
              duration_ms >= 5000 as timed
         from usage_logs where chat_id = $1 order by input_tokens desc`,
      [chatId],
    );
    expect(calls).toEqual([
      { status: 'interrupted', input_tokens: 40, output_tokens: 0, cost: 0.000012, timed: true },
      // What had ended, and was not booked yet, is booked as it ended.
      { status: 'success', input_tokens: 3, output_tokens: 2, cost: 0.000001, timed: false },
    ]);
    const [totals] = await query(
      `select chat.total_input_tokens, chat.total_cost::float8 as cost, message.input_tokens, message.cost::float8 as own
         from chat join "Message_v2" message on message."chatId" = chat.id where chat.id = $1`,
      [chatId],
    );
    expect(totals).toEqual({ total_input_tokens: 43, cost: 0.000013, input_tokens: 40, own: 0.000012 });
    expect(await query('select from switchboard.runs')).toEqual([]);
  });

  it('books calls that lie in the future, or whose metadata is odd', async () => {
    const requestedAt = new Date(Date.now() + 600_000).toISOString();
    const metadata = [{}, [1, 2], 'text', 17, null];
    for (const value of metadata) await leaveRun([{ requestedAt, metadata: value }]);
    await servers.start();
    const calls = await query(
      `select duration_ms, metadata ->> 'status' as status, response_timestamp >= request_timestamp as closed
         from usage_logs where user_id = $1`,
      [user.id],
    );
    expect(calls).toEqual(metadata.map(() => ({ duration_ms: 0, status: 'interrupted', closed: true })));
  });

  it('closes rows that nobody locks, and the rest when they are free', async () => {
    const locked: LeftAnswer[] = [];
    // More than one batch reads, and older than the others.
    for (let count = 0; count < 120; count++) locked.push(await leave());
    const others = [await leave(), await leave()];
    const holder = await hold(servers.database);
    try {
      await holder.query('select from "Message_v2" where id = any($1) for update', [
        locked.map(({ messageId }) => messageId),
      ]);
      const since = performance.now();
      const server = await servers.start();
      expect(performance.now() - since).toBeLessThan(20_000);
      expect(await Promise.all(others.map(stateOf))).toEqual([CLOSED, CLOSED]);
      expect(await stateOf(locked[0]!)).toMatchObject({ status: 'streaming', marked: true });
      await holder.release();
      await server.stop();
      await servers.start();
      expect(await Promise.all(locked.map(stateOf))).toEqual(locked.map(() => CLOSED));
    } finally {
      await holder.release();
    }
  });

  it('closes later what a full disk or another transaction has kept it from closing', async () => {
    await query('create table obstacles (message uuid, code text)');
    await query(`
      create function obstruct() returns trigger language plpgsql as $$ begin
        if exists (select from obstacles where message = new.id) then
          raise exception 'obstructed' using errcode = (select code from obstacles where message = new.id);
        end if;
        return new;
      end $$`);
    await query(
      'create trigger obstruct before update on "Message_v2" for each row execute function obstruct()',
    );
    const answers: LeftAnswer[] = [];
    for (const code of ['53100', '55P03', '57014', '40P01']) {
      const left = await leave();
      await query('insert into obstacles values ($1, $2)', [left.messageId, code]);
      answers.push(left);
    }
    const free = await leave();
    const server = await servers.start();
    expect(await stateOf(free)).toEqual(CLOSED);
    for (const left of answers)
      expect(await stateOf(left)).toMatchObject({ status: 'streaming', marked: true });
    await query('delete from obstacles');
    // The next run is half a minute away. A message recovers its own chat.
    for (const left of answers) {
      const answer = await send(server, user, { id: left.chatId, message: userMessage('Go on') });
      expect(answer.response.status).toBe(200);
      await answer.rest();
      expect(await stateOf(left)).toEqual(CLOSED);
    }
  });

  it('closes more than fit into one batch', async () => {
    const answers: LeftAnswer[] = [];
    for (let count = 0; count < 230; count++) answers.push(await leave());
    await servers.start();
    await eventually(async () => (await stateOf(answers.at(-1)!)).status === 'interrupted');
    expect(await Promise.all(answers.map(stateOf))).toEqual(answers.map(() => CLOSED));
  });
});
