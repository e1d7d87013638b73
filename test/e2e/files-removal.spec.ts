import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { PassThrough } from 'node:stream';
import { createApp } from '../../src/bootstrap.js';
import { loadConfig } from '../../src/config/app-config.js';
import { FileSweeper } from '../../src/modules/files/file-sweeper.js';
import { VENDORS } from '../../src/modules/models/vendors/vendors.js';
import type { Person } from '../support/embedded-server.js';
import { file, FilesServer, PNG, text } from '../support/files-server.js';

describe('stored files that are no longer needed', () => {
  let server: FilesServer;
  /** A second instance on the same database and storage, whose sweeps the test runs. */
  let instance: NestFastifyApplication;
  let sweeper: FileSweeper;
  let ada: Person;
  let people = 0;

  beforeAll(async () => {
    server = await FilesServer.start();
    const { databasePassword, jwtSecret, secretKey, port } = server.stack.secrets;
    const config = loadConfig(
      {
        NODE_ENV: 'test',
        PORT: '0',
        DATABASE_POOL_SIZE: '4',
        DATABASE_URL: `postgresql://postgres:${databasePassword}@127.0.0.1:${port}/postgres`,
        SUPABASE_URL: server.stack.url,
        SUPABASE_SECRET_KEY: secretKey,
        SUPABASE_JWT_SECRET: jwtSecret,
      },
      VENDORS,
    );
    instance = await createApp(config, { logDestination: new PassThrough().resume() });
    await instance.init();
    sweeper = instance.get(FileSweeper);
  });
  afterAll(async () => {
    await instance?.close();
    await server?.stop();
  });

  beforeEach(async () => {
    people += 1;
    ada = await server.stack.signUp(`ada${people}@example.com`);
  });

  const upload = () => server.upload(ada, 'cat.png', 'image/png', PNG);
  const pathsOf = async (person: Person) =>
    (
      await server.stack.query<{ name: string }>(
        `select name from storage.objects where name like $1 order by created_at`,
        [`${person.id}/%`],
      )
    ).map(({ name }) => name);
  const age = (path: string, interval: string) =>
    server.stack.query(`update storage.objects set created_at = now() - $2::interval where name = $1`, [
      path,
      interval,
    ]);
  const makeDue = () =>
    server.stack.query(`update switchboard.file_removals set due_at = now() - interval '1 second'`);
  const sweep = async () => {
    await sweeper.findOrphans();
    await sweeper.remove();
  };
  const chatWith = async (...paths: string[]) => {
    const chatId = crypto.randomUUID();
    const answer = await server.say(ada, chatId, [text('Look.'), ...paths.map((path) => file(path))]);
    expect(answer.status).toBe(200);
    return chatId;
  };

  it('are removed with their chat, unless another message of the user names them', async () => {
    const [alone, shared] = [await upload(), await upload()];
    const chatId = await chatWith(alone, shared);
    const messages = await server.messages(ada, chatId);
    const fork = await server.api(ada, 'POST', `/api/chats/${chatId}/fork`, { messageId: messages[0].id });
    const other = await chatWith(shared);
    await server.api(ada, 'DELETE', `/api/chats/${fork.body.id}`);
    await sweep();
    expect(await pathsOf(ada)).toEqual([alone, shared]);
    await server.api(ada, 'DELETE', `/api/chats/${chatId}`);
    await sweep();
    expect(await pathsOf(ada)).toEqual([shared]);
    await server.api(ada, 'DELETE', `/api/chats/${other}`);
    await sweep();
    expect(await pathsOf(ada)).toEqual([]);
    expect(await server.stack.query('select path from switchboard.file_removals')).toEqual([]);
  });

  it('stay if they are sent again before they are removed', async () => {
    const path = await upload();
    const chatId = await chatWith(path);
    const parts = [
      text('Look.'),
      file(`data:image/png;base64,${Buffer.alloc(90_000, PNG).toString('base64')}`),
    ];
    await server.say(ada, chatId, parts);
    await server.api(ada, 'DELETE', `/api/chats/${chatId}`);
    const again = crypto.randomUUID();
    expect((await server.say(ada, again, [...parts, file(path)])).status).toBe(200);
    await sweep();
    await makeDue();
    await sweep();
    expect(await pathsOf(ada)).toHaveLength(2);
    const [{ parts: shown }] = await server.messages(ada, again);
    for (const { url } of shown.slice(1)) expect((await fetch(url)).status).toBe(200);
  });

  it('are removed automatically within half a minute', async () => {
    const chatId = await chatWith(await upload());
    await server.api(ada, 'DELETE', `/api/chats/${chatId}`);
    for (let count = 0; count < 300 && (await pathsOf(ada)).length > 0; count++)
      await new Promise((resolve) => setTimeout(resolve, 100));
    expect(await pathsOf(ada)).toEqual([]);
  }, 60_000);

  it('stay for a day if only their message was deleted, because it may be sent again', async () => {
    const path = await upload();
    const chatId = await chatWith(path);
    const [question] = await server.messages(ada, chatId);
    await age(path, '9 days');
    await server.api(ada, 'DELETE', `/api/chats/${chatId}/messages?from=${question.id}`);
    await sweep();
    expect(await pathsOf(ada)).toEqual([path]);
    expect((await server.say(ada, chatId, question.parts)).status).toBe(200);
    await makeDue();
    await sweep();
    expect(await pathsOf(ada)).toEqual([path]);
    const [again] = await server.messages(ada, chatId);
    const edited = { message: { id: again.id, role: 'user', parts: [text('Without it.')] } };
    expect((await server.say(ada, chatId, [], edited)).status).toBe(200);
    await makeDue();
    await sweep();
    expect(await pathsOf(ada)).toEqual([]);
  });

  it('are found a day after their upload if they were never sent', async () => {
    const [young, old, sent] = [await upload(), await upload(), await upload()];
    await chatWith(sent);
    await age(old, '25 hours');
    await age(sent, '25 hours');
    await sweep();
    expect((await pathsOf(ada)).toSorted()).toEqual([young, sent].toSorted());
  });

  it('are removed with their user, whatever deletes the user', async () => {
    const eve = await server.stack.signUp(`eve${people}@example.com`);
    await server.stack.query(
      `update auth.users set raw_user_meta_data = raw_user_meta_data || '{"role": "admin"}' where id = $1`,
      [eve.id],
    );
    await chatWith(await upload());
    await upload();
    expect((await server.api(eve, 'DELETE', `/api/admin/users/${ada.id}`)).status).toBe(204);
    expect(await pathsOf(ada)).toEqual([]);

    people += 1;
    ada = await server.stack.signUp(`ada-again${people}@example.com`);
    await chatWith(await upload());
    await upload();
    await server.stack.query('delete from auth.users where id = $1', [ada.id]);
    await sweep();
    expect(await pathsOf(ada)).toEqual([]);
  });

  it('are left alone outside of users’ folders', async () => {
    await server.stack.query(
      `insert into storage.objects (bucket_id, name, created_at)
       values ('attachments', 'logo.png', now() - interval '9 days')`,
    );
    await sweep();
    expect(await server.stack.query(`select from storage.objects where name = 'logo.png'`)).toHaveLength(1);
    expect(await server.stack.query(`select from switchboard.file_removals where path = 'logo.png'`)).toEqual(
      [],
    );
  });
});
