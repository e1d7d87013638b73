import { runMigrations } from '../../src/common/database/migrate.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { STORAGE_SCHEMA } from '../support/storage.js';
import { connect, type Connection } from './session.js';
import { createSupabaseDatabase } from './supabase-database.js';

const POLICIES = `select polname::text as name, polcmd::text as command from pg_policy
                   where polrelid = to_regclass('storage.objects') order by 1`;
const NAMES = ['delete', 'insert', 'select', 'update'].map((action) => `switchboard_attachments_${action}`);

describe('the bucket of users\u2019 files', () => {
  let database: TestDatabase;
  let connection: Connection;
  const [ada, eve] = ['a', 'b'].map((letter) => `${letter.repeat(8)}-aaaa-4aaa-8aaa-aaaaaaaaaaaa`) as [
    string,
    string,
  ];

  beforeAll(async () => {
    database = await createTestDatabase({ migrated: false });
    await database.query(STORAGE_SCHEMA);
    await runMigrations({ url: database.url });
    await database.query(`insert into auth.users (id, raw_user_meta_data) values ($1, '{}'), ($2, '{}')`, [
      ada,
      eve,
    ]);
    await database.query(`insert into storage.buckets (id, name) values ('other', 'other')`);
    await database.query(
      `insert into storage.objects (bucket_id, name)
       select bucket, name from unnest(array['attachments', 'other']) bucket,
              unnest(array[$1 || '/x/a.png', $2 || '/x/b.png', 'top.png', 'x/' || $1 || '/c.png']) name`,
      [ada, eve],
    );
    connection = await connect(database);
  });
  afterAll(async () => {
    await connection?.close();
    await database?.drop();
  });

  it('is private and limited, and has a policy for each action', async () => {
    expect(
      await database.query(
        `select public, file_size_limit::int as size from storage.buckets where id = 'attachments'`,
      ),
    ).toEqual([{ public: false, size: 20_971_520 }]);
    expect((await database.query(POLICIES)).map(({ name }) => name)).toEqual(NAMES);
  });

  const insert = (name: string, bucket = 'attachments') =>
    [`insert into storage.objects (bucket_id, name) values ($1, $2)`, [bucket, name]] as const;
  const touch = (name: string, bucket = 'attachments') =>
    [
      `update storage.objects set updated_at = now() where bucket_id = $1 and name = $2`,
      [bucket, name],
    ] as const;
  const remove = (name: string, bucket = 'attachments') =>
    [`delete from storage.objects where bucket_id = $1 and name = $2`, [bucket, name]] as const;

  it.each(['authenticated', 'switchboard_user'] as const)(
    'is a user\u2019s below their own folder: %s',
    async (role) => {
      const actor = { role, claims: { sub: ada, role: 'authenticated' } };
      await connection.rolledBack(actor, async (session) => {
        expect(await session.query('select bucket_id as bucket, name from storage.objects')).toEqual([
          { bucket: 'attachments', name: `${ada}/x/a.png` },
        ]);
        for (const [statement, outcome] of [
          [insert(`${ada}/x/new.png`), 'rows'],
          [touch(`${ada}/x/a.png`), 'rows'],
          [remove(`${ada}/x/a.png`), 'rows'],
          [insert(`${eve}/x/new.png`), 'denied'],
          [insert('new.png'), 'denied'],
          [insert(`x/${ada}/new.png`), 'denied'],
          [insert(`${ada}/x/new.png`, 'other'), 'denied'],
          [touch(`${eve}/x/b.png`), 'none'],
          [remove(`${eve}/x/b.png`), 'none'],
          [remove('top.png'), 'none'],
          [remove(`${ada}/x/a.png`, 'other'), 'none'],
        ] as const) {
          expect([statement, await session.attempt(statement[0], [...statement[1]])]).toEqual([
            statement,
            outcome,
          ]);
        }
        const move = await session.attempt(
          `update storage.objects set name = $1 where bucket_id = 'attachments' and name = $2`,
          [`${eve}/x/mine.png`, `${ada}/x/new.png`],
        );
        expect(move).toBe('denied');
      });
    },
  );

  it('is nobody\u2019s without a token, or with that of a deactivated user', async () => {
    await connection.rolledBack(undefined, async (session) => {
      await session.query(`update auth.users set raw_user_meta_data = '{"isActive": false}' where id = $1`, [
        ada,
      ]);
      for (const actor of [
        { role: 'authenticated', claims: { sub: ada, role: 'authenticated' } },
        { role: 'anon', claims: {} },
      ] as const) {
        await session.become(actor);
        expect(await session.query('select name from storage.objects')).toEqual([]);
        expect(await session.attempt(...(insert(`${ada}/x/n.png`) as unknown as [string, unknown[]]))).toBe(
          'denied',
        );
        await session.becomeOperator();
      }
    });
  });

  it('is not made where the database has no storage, and its migration runs all the same', async () => {
    const plain = await createTestDatabase();
    try {
      expect(await plain.query(POLICIES)).toEqual([]);
    } finally {
      await plain.drop();
    }
  });

  it('is refused in words to a role that may not make it, which then has migrated nothing of it', async () => {
    const hosted = await createSupabaseDatabase();
    try {
      await hosted.query(STORAGE_SCHEMA);
      await expect(runMigrations({ url: hosted.operatorUrl })).rejects.toThrow(
        /^role operator_\w+ cannot make the bucket "attachments" and its policies: /,
      );
      // On Supabase the operator may.
      const operator = decodeURIComponent(new URL(hosted.operatorUrl).username);
      await hosted.query(`
        alter schema storage owner to ${operator};
        alter table storage.buckets owner to ${operator};
        alter table storage.objects owner to ${operator}`);
      expect(await runMigrations({ url: hosted.operatorUrl })).toContain('Files1764000000007');
      expect((await hosted.query(POLICIES)).map(({ name }) => name)).toEqual(NAMES);
    } finally {
      await hosted.drop();
    }
  });
});

describe('which messages name which files', () => {
  let database: TestDatabase;
  const user = 'c'.repeat(8) + '-aaaa-4aaa-8aaa-aaaaaaaaaaaa';
  const chat = 'd'.repeat(8) + '-aaaa-4aaa-8aaa-aaaaaaaaaaaa';

  beforeAll(async () => {
    database = await createTestDatabase();
    await database.query(`insert into auth.users (id, raw_user_meta_data) values ($1, '{}')`, [user]);
    await database.query(`insert into chat (id, user_id, title) values ($1, $2, 'A chat')`, [chat, user]);
  });
  afterAll(() => database?.drop());

  const named = () =>
    database
      .query('select path from switchboard.message_files order by path')
      .then((rows) => rows.map(({ path }) => path as string));
  const path = (name: string) => `${user}/x/${name}`;
  const part = (url: unknown) => ({ type: 'file', mediaType: 'image/png', url });

  it('is kept with the question, and follows its changes', async () => {
    const [{ id }] = (await database.query(
      `insert into "Message_v2" (id, "chatId", role, parts) values (gen_random_uuid(), $1, 'user', $2) returning id`,
      [
        chat,
        JSON.stringify([
          part(path('a')),
          part(path('b')),
          part(path('b')),
          part('data:image/png;base64,AAAA'),
          part('https://example.com'),
          part(7),
          part(null),
          { type: 'text', text: path('c') },
          [],
          null,
        ]),
      ],
    )) as [{ id: string }];
    expect(await named()).toEqual([path('a'), path('b')]);
    await database.query('update "Message_v2" set parts = $2 where id = $1', [
      id,
      JSON.stringify([part(path('b')), part(path('d'))]),
    ]);
    expect(await named()).toEqual([path('b'), path('d')]);
    const removals = () =>
      database.query(`select path, due_at > now() as later from switchboard.file_removals order by path`);
    expect(await removals()).toEqual([{ path: path('a'), later: true }]);
    await database.query('delete from chat where id = $1', [chat]);
    expect(await named()).toEqual([]);
    expect(await removals()).toEqual([
      { path: path('a'), later: true },
      { path: path('b'), later: false },
      { path: path('d'), later: false },
    ]);
  });

  it('does not keep a message from being stored, whatever its parts are', async () => {
    await database.query(`insert into chat (id, user_id, title) values ($1, $2, 'A chat')`, [chat, user]);
    for (const parts of [
      '"\\ud800 \\"type\\":\\"file\\""',
      '{"type":"file"}',
      '[{"type":"file","url":"\\u0000"}]',
      'null',
    ]) {
      await database.query(
        `insert into "Message_v2" (id, "chatId", role, parts) values (gen_random_uuid(), $1, 'user', $2)`,
        [chat, parts],
      );
    }
    expect(await named()).toEqual([]);
  });
});
