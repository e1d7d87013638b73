import { on } from 'node:events';
import pg from 'pg';
import { insertUser } from '../fixtures/rows.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';

/** Notifications that make instances clear their caches. */
describe('notifications', () => {
  let database: TestDatabase;
  let listener: pg.Client;
  let received: AsyncIterator<[pg.Notification]>;

  beforeAll(async () => {
    database = await createTestDatabase();
    listener = new pg.Client(database.url);
    await listener.connect();
    received = on(listener, 'notification') as AsyncIterator<[pg.Notification]>;
    await listener.query('listen switchboard_user');
    await listener.query('listen switchboard_config');
    await listener.query('listen test_marker');
  });

  afterAll(async () => {
    await listener?.end();
    await database?.drop();
  });

  /** The notifications of `statement`: everything that arrives before the marker sent after it. */
  async function announced(sql: string, values: unknown[] = []): Promise<string[]> {
    await database.query(sql, values);
    await database.query('notify test_marker');
    const messages: string[] = [];
    for (;;) {
      const { channel, payload } = (await received.next()).value[0];
      if (channel === 'test_marker') return messages;
      messages.push(`${channel} ${payload ?? ''}`);
    }
  }

  it.each([
    `update auth.users set raw_user_meta_data = raw_user_meta_data || '{"role": "admin"}' where id = $1`,
    `update auth.users set raw_app_meta_data = raw_app_meta_data || '{"isActive": false}' where id = $1`,
    `update auth.users set raw_user_meta_data = raw_user_meta_data || '{"settings": {"theme": "dark"}}' where id = $1`,
    `update auth.users set email = 'new-' || email where id = $1`,
    `update auth.users set banned_until = now() + interval '1 hour' where id = $1`,
    `update auth.users set deleted_at = now() where id = $1`,
    `delete from auth.users where id = $1`,
  ])('name the user: %s', async (sql) => {
    const userId = await insertUser(database);
    expect(await announced(sql, [userId])).toEqual([`switchboard_user ${userId}`]);
  });

  it('name each of several users', async () => {
    const userIds = [await insertUser(database), await insertUser(database)];
    const messages = await announced(`delete from auth.users where id = any($1)`, [userIds]);
    expect(messages.sort()).toEqual(userIds.map((id) => `switchboard_user ${id}`).sort());
  });

  it('are sent for what the auth server writes', async () => {
    const userId = await insertUser(database);
    const messages = await announced(`
      do $do$ begin
        set local role supabase_auth_admin;
        update auth.users set raw_user_meta_data = '{"settings": {}}' where id = '${userId}';
      end $do$`);
    expect(messages).toEqual([`switchboard_user ${userId}`]);
  });

  it('are not sent for changes that nobody caches: a sign-in', async () => {
    const userId = await insertUser(database);
    expect(await announced(`update auth.users set last_sign_in_at = now() where id = $1`, [userId])).toEqual(
      [],
    );
  });

  it('name the key of a configuration that is added, changed and removed', async () => {
    const key = `notified_${process.pid}`;
    const expected = [`switchboard_config ${key}`];
    expect(
      await announced(`insert into admin_config (config_key, config_data) values ($1, '{}')`, [key]),
    ).toEqual(expected);
    expect(
      await announced(`update admin_config set config_data = '{"a": 1}' where config_key = $1`, [key]),
    ).toEqual(expected);
    expect(await announced(`delete from admin_config where config_key = $1`, [key])).toEqual(expected);
  });

  it('are not sent for a transaction that is rolled back', async () => {
    const userId = await insertUser(database);
    const messages = await announced(`
      do $do$ begin
        begin
          delete from auth.users where id = '${userId}';
          raise exception 'taken back';
        exception when raise_exception then null;
        end;
      end $do$`);
    expect(messages).toEqual([]);
  });
});
