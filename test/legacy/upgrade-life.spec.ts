import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import type pg from 'pg';
import { verifyDatabase } from '../../src/common/database/verify/verify-database.js';
import { LOCKING } from '../../src/upgrade-legacy/stage.repository.js';
import { apply, dryRun, finish, undo } from '../../src/upgrade-legacy/upgrade.js';
import { createSupabaseDatabase } from '../rls/supabase-database.js';
import { eventually } from '../support/chat-app.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { LegacyRows, type Rows } from './legacy-rows.js';
import { createLegacyTables } from './legacy-schema.js';
import { linesOf, OPTIONS, withClient } from './upgrade.js';

let database: TestDatabase;
let ids: Rows;

beforeEach(async () => {
  database = await createTestDatabase({ migrated: false });
  await createLegacyTables(database, '0007');
  ids = await new LegacyRows(database, '0007').fill();
});

afterEach(() => database?.drop());

const upgrade = (options = {}) =>
  withClient(database.url, (client) => apply(client, database.url, { ...OPTIONS, ...options }));
const one = async (sql: string, values: unknown[] = []) => (await database.query(sql, values))[0];

/** What the old chatbot does with its database during the upgrade. */
async function useOldChatbot(): Promise<void> {
  const id = randomUUID();
  await database.query(
    `insert into "Chat" (id, "createdAt", title, "userId") values ($1, now(), 'Busy', $2)`,
    [id, ids.bob],
  );
  await database.query(
    `insert into "Message_v2" ("chatId", role, parts, attachments, "createdAt")
     values ($1, 'user', '[{"type": "text", "text": "still here"}]', '[]', now())`,
    [id],
  );
  const [row] = await database.query(
    `select count(*)::integer as messages from "Message_v2" where "chatId" = $1`,
    [id],
  );
  expect(row).toEqual({ messages: 1 });
  await database.query(`delete from "Message_v2" where "chatId" = $1`, [id]);
  await database.query(`delete from "Chat" where id = $1`, [id]);
}

/** Many rows, so that there are many batches. */
async function addChats(count: number): Promise<void> {
  await database.query(
    `with chats as (insert into "Chat" (id, "createdAt", title, "userId")
       select gen_random_uuid(), timestamp '2025-01-01' + i * interval '1 minute', 'Chat ' || i, $1 from generate_series(1, ${count}) i returning id)
     insert into "Message_v2" ("chatId", role, parts, attachments, "createdAt")
     select id, case j % 2 when 0 then 'assistant' else 'user' end,
            json_build_array(json_build_object('type', 'text', 'text', 'Message ' || j)), '[]', timestamp '2025-01-01' + j * interval '1 second'
       from chats, generate_series(1, 4) j`,
    [ids.ann],
  );
}

/** Waits for the connection of the command, or its end. */
const untilConnected = (command: ChildProcess) =>
  eventually(async () => {
    if (command.exitCode !== null) return true;
    const found = await database.query(
      `select from pg_stat_activity where datname = current_database() and application_name = 'switchboard-upgrade-legacy'`,
    );
    return found.length > 0;
  });

describe('an upgrade that is stopped', () => {
  it('continues after a lost connection, whenever it is lost', async () => {
    await addChats(1_500);
    let runs = 0;
    for (let done = false; !done; runs++) {
      expect(runs).toBeLessThan(200);
      let batches = 0;
      done = await withClient(database.url, (client) =>
        apply(client, database.url, {
          ...OPTIONS,
          tell: () => {
            if (++batches === 2)
              (
                client as unknown as { connection: { stream: { destroy(): void } } }
              ).connection.stream.destroy();
          },
        }),
      ).then(
        () => true,
        () => false,
      );
      if (!done) await useOldChatbot();
    }
    expect(runs).toBeGreaterThan(4);
    const again = await upgrade();
    expect(again.counts.find(({ table }) => table === 'Message_v2')).toMatchObject({ setAside: 5 });
    expect(await one(`select count(*)::integer as chats from chat`)).toEqual(
      await one(
        `select count(*)::integer as chats from switchboard_old."Chat" where "userId" in (select id from switchboard_old."User")`,
      ),
    );
    expect(await verifyDatabase({ url: database.url })).toEqual([]);
  }, 60_000);

  it('continues after its process was killed', async () => {
    await addChats(4_000);
    const output: string[] = [];
    let runs = 0;
    for (let code: number | null = null; code !== 0; runs++) {
      expect(runs).toBeLessThan(25);
      const child = spawn(process.execPath, ['dist/src/upgrade-legacy/cli/upgrade-legacy.js', '--apply'], {
        env: { PATH: process.env['PATH'], DATABASE_URL: database.url },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      for (const stream of [child.stdout, child.stderr])
        stream.on('data', (chunk: Buffer) => output.push(chunk.toString()));
      const closed = once(child, 'close') as Promise<[number | null]>;
      // A longer time of work with each run. The start takes as long as the machine is busy.
      await untilConnected(child);
      await Promise.race([closed, sleep(100 + runs * 250)]);
      child.kill('SIGKILL');
      [code] = await closed;
      // It may be killed when it has just switched, and then there is no old chatbot.
      if (code !== 0 && (await one(`select to_regclass('"Chat"') as old`)).old) await useOldChatbot();
    }
    // It prints this at its end, and may have been killed between its switch and that.
    expect(output.join('')).toMatch(/The old chatbot: (?:migration 0007|upgraded already)\./);
    expect(output.join('')).toMatch(/"Message_v2": 16,0\d\d rows, 16,0\d\d copied, 5 set aside/);
    expect(await verifyDatabase({ url: database.url })).toEqual([]);
  }, 120_000);

  it('copies what the old chatbot has written meanwhile', async () => {
    await addChats(20);
    // The first run ends with everything copied and nothing switched.
    await expect(upgrade({ isInterrupted: interruptAfter(6) })).rejects.toThrow('interrupted');
    await database.query(`update "User" set password = $2 where id = $1`, [
      ids.bob,
      `$2a$10$${'x'.repeat(53)}`,
    ]);
    const [{ id: newcomer }] = await database.query(
      `insert into "User" (email) values ('New@example.com') returning id`,
    );
    await database.query(`update "Chat" set title = 'Renamed' where id = $1`, [ids.chat]);
    const [{ id: freshChat }] = await database.query(
      `insert into "Chat" ("createdAt", title, "userId") values (now(), 'Fresh', $1) returning id`,
      [newcomer],
    );
    const [{ id: freshMessage }] = await database.query(
      `insert into "Message_v2" ("chatId", role, parts, attachments, "createdAt")
       values ($1, 'user', '[{"type": "text", "text": "new"}]', '[]', now()) returning id`,
      [ids.chat],
    );
    await database.query(
      `update "Message_v2" set parts = '[{"type": "text", "text": "edited"}]' where id = $1`,
      [ids.plain],
    );
    await database.query(`update "Vote_v2" set "isUpvoted" = true where "messageId" = $1 and "chatId" = $2`, [
      ids.plainAnswer,
      ids.chat,
    ]);
    await database.query(`delete from "Message_v2" where id = $1`, [ids.megabyte]);
    await database.query(`delete from "Chat" where id = $1`, [ids.publicChat]);
    await database.query(`delete from "Suggestion" where id = $1`, [ids.lateSuggestion]);
    await database.query(
      `insert into "Document" (id, "createdAt", title, content, "userId") values ($1, now(), 'Essay', 'late version', $2)`,
      [ids.document, ids.ann],
    );
    await upgrade();
    expect(await one(`select encrypted_password as hash from auth.users where id = $1`, [ids.bob])).toEqual({
      hash: `$2a$10$${'x'.repeat(53)}`,
    });
    expect(await one(`select user_id, title from chat where id = $1`, [freshChat])).toEqual({
      user_id: newcomer,
      title: 'Fresh',
    });
    expect(await one(`select email from auth.users where id = $1`, [newcomer])).toEqual({
      email: 'new@example.com',
    });
    expect(await one(`select title from chat where id = $1`, [ids.chat])).toEqual({ title: 'Renamed' });
    expect(
      await one(`select parts -> 0 ->> 'text' as text from "Message_v2" where id = $1`, [freshMessage]),
    ).toEqual({ text: 'new' });
    expect(
      await one(`select parts -> 0 ->> 'text' as text from "Message_v2" where id = $1`, [ids.plain]),
    ).toEqual({ text: 'edited' });
    expect(await one(`select "isUpvoted" from "Vote_v2" where "messageId" = $1`, [ids.plainAnswer])).toEqual({
      isUpvoted: true,
    });
    expect(
      await one(`select count(*)::integer as rows from "Message_v2" where id = $1`, [ids.megabyte]),
    ).toEqual({ rows: 0 });
    expect(await one(`select count(*)::integer as rows from chat where id = $1`, [ids.publicChat])).toEqual({
      rows: 0,
    });
    expect(await one(`select count(*)::integer as rows from "Suggestion"`)).toEqual({ rows: 1 });
    expect(
      await one(`select content from "Document" where id = $1 order by "createdAt" desc limit 1`, [
        ids.document,
      ]),
    ).toEqual({ content: 'late version' });
    expect(await verifyDatabase({ url: database.url })).toEqual([]);
  });

  it.each([
    ['at its beginning', 0],
    ['at the switch', 6],
  ])(
    'changes nothing if it cannot lock the old tables %s',
    async (_when, batches) => {
      if (batches > 0) {
        await expect(upgrade({ isInterrupted: interruptAfter(batches) })).rejects.toThrow('interrupted');
      }
      // A long read by someone else. The test does not wait as long as the product.
      const reader = await openTransaction(`lock table "Chat" in access share mode`);
      const { timeout } = LOCKING;
      expect(timeout).toBe('3s');
      LOCKING.timeout = '300ms';
      await expect(upgrade().finally(() => (LOCKING.timeout = timeout))).rejects.toThrow('lock timeout');
      await useOldChatbot();
      await reader.end();
      expect(
        await one(`select to_regclass('public.chat') as chat, to_regclass('public."Chat"')::text as old`),
      ).toEqual({ chat: null, old: '"Chat"' });
      await upgrade();
      expect(await verifyDatabase({ url: database.url })).toEqual([]);
    },
    60_000,
  );

  it('does not run twice at the same time', async () => {
    const other = await openTransaction('select 1');
    await withClient(database.url, async (client) => {
      await client.query('select pg_advisory_lock(7264118330)');
      await expect(upgrade()).rejects.toThrow('by somebody else');
    });
    await other.end();
  });
});

describe('the command', () => {
  async function run(...flags: string[]): Promise<{ code: number | null; output: string; errors: string }> {
    const child = spawn(process.execPath, ['dist/src/upgrade-legacy/cli/upgrade-legacy.js', ...flags], {
      env: { PATH: process.env['PATH'], DATABASE_URL: database.url },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    let errors = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    return { code, output, errors };
  }

  it('reports what it would do, does it, and finishes', async () => {
    const planned = await run();
    expect(planned).toMatchObject({ code: 0, errors: '' });
    expect(planned.output).toContain('"User": 6 rows, 6 copied\n');
    expect(planned.output).toContain('"Stream": 1 rows, 0 copied, 1 over, not copied\n');
    expect(planned.output).toMatch(
      /"Chat", set aside: its user does not exist \(1, for example [0-9a-f-]{36}\)\n/,
    );
    expect(planned.output).toContain('Nothing has been changed.');
    await useOldChatbot();
    expect((await run('--finish')).errors).toBe(
      'switchboard: there is no upgrade to finish: run it with --apply first\n',
    );
    const applied = await run('--apply');
    expect(applied.code).toBe(0);
    expect(applied.output.split('\n').slice(0, -2)).toEqual(planned.output.split('\n').slice(0, -2));
    const finished = await run('--finish');
    expect(finished.output).toMatch(/^Dropped "Chat", .*"User".*The report stays\.\n$/);
  }, 60_000);

  it.each([[['--aply']], [['--apply', '--finish']]])('refuses %p', async (flags) => {
    const { code, errors } = await run(...flags);
    expect(code).toBe(1);
    expect(errors).toMatch(/^switchboard: usage: npm run db:upgrade-legacy/);
  });

  it('reports that there is no old chatbot', async () => {
    await database.query('drop table "User" cascade');
    const { code, errors } = await run();
    expect([code, errors]).toEqual([
      1,
      'switchboard: there is no old chatbot in schema public: it has no tables "User" and "Chat"\n',
    ]);
  });
});

describe('an upgrade that is undone', () => {
  it('gives the old chatbot its tables back unchanged, and can be repeated', async () => {
    const before = await database.query(`select id, title, "createdAt" from "Chat" order by id`);
    await upgrade();
    await database.query(`update chat set title = 'Written in Switchboard' where id = $1`, [ids.chat]);
    await withClient(database.url, (client) => undo(client));
    expect(await database.query(`select id, title, "createdAt" from "Chat" order by id`)).toEqual(before);
    await useOldChatbot();
    expect(await one(`select title from switchboard_next.chat where id = $1`, [ids.chat])).toEqual({
      title: 'Written in Switchboard',
    });
    await database.query(`update "Chat" set title = 'Old again' where id = $1`, [ids.chat]);
    await upgrade();
    expect(await one(`select title from chat where id = $1`, [ids.chat])).toEqual({ title: 'Old again' });
    await withClient(database.url, (client) => finish(client));
    await expect(withClient(database.url, (client) => undo(client))).rejects.toThrow('no way back');
    expect(await verifyDatabase({ url: database.url })).toEqual([]);
  });
});

describe('on hosted Supabase', () => {
  it('only creates rows in the schema auth, as an operator who is not a superuser', async () => {
    const supabase = await createSupabaseDatabase();
    try {
      const operator = {
        query: (sql: string, values?: unknown[]) =>
          withClient(
            supabase.operatorUrl,
            async (client) => (await client.query(sql, values)).rows as never[],
          ),
      };
      await createLegacyTables(operator, '0008');
      const rows = await new LegacyRows(operator, '0008').fill();
      const inAuth = () =>
        supabase.query(
          `select relname, relkind, relacl::text from pg_class where relnamespace = 'auth'::regnamespace order by 1`,
        );
      const before = await inAuth();
      const planned = await withClient(supabase.operatorUrl, (client) => dryRun(client, OPTIONS));
      const result = await withClient(supabase.operatorUrl, (client) =>
        apply(client, supabase.operatorUrl, OPTIONS),
      );
      expect(linesOf(result)).toEqual(linesOf(planned));
      expect(await inAuth()).toEqual(before);
      const [ann] = await supabase.query('select email, instance_id from auth.users where id = $1', [
        rows.ann,
      ]);
      expect(ann).toEqual({ email: 'ann@example.com', instance_id: '00000000-0000-0000-0000-000000000000' });
      expect(await verifyDatabase({ url: supabase.operatorUrl })).toEqual([]);
      // Users may not read the report or the old tables.
      const [{ grants }] = await supabase.query(
        `select count(*)::integer as grants from information_schema.role_table_grants
          where grantee in ('anon', 'authenticated') and (table_name like 'legacy%' or table_schema in ('switchboard_legacy'))`,
      );
      expect(grants).toBe(0);
      await withClient(supabase.operatorUrl, (client) => finish(client));
    } finally {
      await supabase.drop();
    }
  }, 60_000);
});

describe('old tables in another schema', () => {
  it('are copied into a database that Switchboard already uses', async () => {
    const used = await createTestDatabase();
    try {
      await used.query('create schema chatbot');
      await createLegacyTables(used, 'squashed', 'chatbot');
      const rows = await new LegacyRows(used, 'squashed', 'chatbot').fill();
      // A user has signed up here with an email address that the old chatbot knows.
      await used.query(`insert into auth.users (id, email) values (gen_random_uuid(), 'bob@example.com')`);
      const options = { ...OPTIONS, schema: 'chatbot' };
      await expect(withClient(used.url, (client) => dryRun(client, OPTIONS))).rejects.toThrow(
        'no old chatbot in schema public',
      );
      const result = await withClient(used.url, (client) => apply(client, used.url, options));
      expect(result.version).toBe('the squashed schema of 2026');
      const [bob] = await used.query('select email from auth.users where id = $1', [rows.bob]);
      expect(bob.email).toBe(`duplicate-${rows.bob}@legacy.invalid`);
      const [chat] = await used.query('select title from chat where id = $1', [rows.chat]);
      expect(chat.title).toBe('Ulm 🏰');
      await withClient(used.url, (client) => finish(client));
      expect(
        await used.query(
          `select relname from pg_class where relnamespace = 'chatbot'::regnamespace and relkind = 'r'`,
        ),
      ).toEqual([]);
      expect(await verifyDatabase({ url: used.url })).toEqual([]);
    } finally {
      await used.drop();
    }
  }, 60_000);
});

function interruptAfter(batches: number): () => boolean {
  let asked = 0;
  return () => ++asked > batches;
}

/** A transaction of someone else that stays open. */
async function openTransaction(sql: string): Promise<pg.Client> {
  const { default: postgres } = await import('pg');
  const client = new postgres.Client(database.url);
  client.on('error', () => undefined);
  await client.connect();
  await client.query('begin');
  await client.query(sql);
  return client;
}
