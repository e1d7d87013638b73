import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { createClient, type SupabaseClient } from '@supabase/supabase-js';
import type { UIMessage } from 'ai';
import { createChatClient, textOf } from '../support/chat-client.js';
import { freePort } from '../support/free-port.js';
import { runServerProcess, type ServerProcess, startServerProcess } from '../support/server-process.js';

const PASSWORD = 'correct-horse-battery';

/** The stack of a fresh machine, used through the usual clients. */
describe('the embedded stack', () => {
  let folder: string;
  let environment: Record<string, string>;
  let server: ServerProcess;
  let publishableKey: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'switchboard-embedded-'));
    environment = { DATA_DIR: join(folder, 'data'), PORT: String(await freePort()), THROTTLE_LIMIT: '0' };
    server = await startServerProcess(environment);
    publishableKey = /sb_publishable_[\w-]+/.exec(server.output())?.[0] ?? '';
  });

  afterAll(async () => {
    await server?.stop('SIGINT');
    rmSync(folder, { recursive: true, force: true });
  });

  const supabase = (key = publishableKey): SupabaseClient =>
    createClient(server.url, key, { auth: { persistSession: false, autoRefreshToken: false } });

  async function signUp(
    email: string,
    data?: object,
  ): Promise<{ client: SupabaseClient; token: string; id: string }> {
    const client = supabase();
    const { data: result, error } = await client.auth.signUp({
      email,
      password: PASSWORD,
      options: { data },
    });
    if (error || !result.session || !result.user) throw error ?? new Error('no session');
    return { client, token: result.session.access_token, id: result.user.id };
  }

  // eslint-disable-next-line @typescript-eslint/no-explicit-any -- bodies are whatever the route answers
  async function get(path: string, token: string): Promise<{ status: number; body: any }> {
    const response = await fetch(`${server.url}${path}`, { headers: { authorization: `Bearer ${token}` } });
    return { status: response.status, body: await response.json() };
  }

  async function secretKey(): Promise<string> {
    const { readFile } = await import('node:fs/promises');
    const stack = JSON.parse(await readFile(join(environment['DATA_DIR'] ?? '', 'stack.json'), 'utf8')) as {
      secretKey: string;
    };
    return stack.secretKey;
  }

  /** Waits until `check` succeeds, and fails after the time limit. */
  async function within(milliseconds: number, check: () => Promise<boolean>): Promise<void> {
    for (const deadline = Date.now() + milliseconds; ;) {
      if (await check()) return;
      if (Date.now() > deadline) throw new Error('it did not come about in time');
      await sleep(50);
    }
  }

  it('prints the URLs, and commands that work', async () => {
    const output = server.output();
    expect(output).toContain(server.url);
    expect(output).toContain(`${server.url}/docs`);
    expect(publishableKey).not.toBe('');
    expect(output).toContain('Sign up and send a first message:');
    await runBannerCommands();
  });

  it('says what it does at the start, and alarms nobody', () => {
    expect(server.output()).toMatch(/^Creating a PostgreSQL database in /m);
    expect(server.output()).toMatch(/^Migrated the database: \d+ migrations in \d+\.\d s\.$/m);
    expect(server.output()).not.toMatch(/experimental|warning|deprecat/i);
  });

  async function runBannerCommands(): Promise<void> {
    const output = server.output();
    const commands = output.slice(output.indexOf('  TOKEN='), output.indexOf('  Become an administrator'));
    const { stdout } = await promisify(execFile)('sh', ['-c', commands]);
    expect(stdout).toContain('"type":"start"');
    expect(stdout).toContain('data: [DONE]');
  }

  it('signs up, in, refreshes and out with supabase-js', async () => {
    const { client, token, id } = await signUp('ada@example.com', { nick: 'Ada' });
    expect((await get('/api/me', token)).body).toMatchObject({
      id,
      email: 'ada@example.com',
      role: 'user',
      isActive: true,
    });

    const again = await signInError(supabase(), 'ada@example.com', 'wrong-password');
    expect(again).toBeTruthy();
    const { data: second } = await supabase().auth.signInWithPassword({
      email: 'ada@example.com',
      password: PASSWORD,
    });
    expect((await get('/api/me', second.session?.access_token ?? '')).status).toBe(200);

    const { data: refreshed, error } = await client.auth.refreshSession();
    expect(error).toBeNull();
    expect(refreshed.session?.user.user_metadata).toMatchObject({ nick: 'Ada' });
    expect((await get('/api/me', refreshed.session?.access_token ?? '')).body.id).toBe(id);
    const { data: seen } = await client.auth.getUser();
    expect(seen.user?.email).toBe('ada@example.com');
    expect((await client.auth.signOut()).error).toBeNull();
  });

  async function signInError(client: SupabaseClient, email: string, password: string): Promise<unknown> {
    return (await client.auth.signInWithPassword({ email, password })).error;
  }

  it('ignores a role that users write into their own metadata', async () => {
    const { client, token } = await signUp('eve@example.com', { role: 'admin', isActive: true });
    expect((await get('/api/me', token)).body.role).toBe('user');
    await client.auth.updateUser({ data: { role: 'admin' } });
    const { data } = await client.auth.refreshSession();
    const claims = JSON.parse(
      Buffer.from(data.session?.access_token.split('.')[1] ?? '', 'base64url').toString('utf8'),
    ) as { user_metadata: { role: string } };
    expect(claims.user_metadata.role).toBe('user');
    expect((await get('/api/me', data.session?.access_token ?? '')).body.role).toBe('user');
  });

  it('has a chat with the default transport of useChat, and reloads it', async () => {
    const { token } = await signUp('grace@example.com');
    const titles: unknown[] = [];
    const chat = createChatClient(server.url, {
      token,
      onData: (part) => part.type === 'data-chat-title' && titles.push(part.data),
    });
    await chat.sendMessage({ text: 'What is a compiler?' });
    expect(chat.error).toBeUndefined();
    expect(chat.status).toBe('ready');
    const answer = textOf(chat.lastMessage);
    expect(answer).toContain('What is a compiler?');
    expect(titles).toHaveLength(1);

    const stored = await get(`/api/chats/${chat.id}/messages`, token);
    const messages = stored.body.items as UIMessage[];
    expect(messages.map(({ role }) => role)).toEqual(['user', 'assistant']);
    expect(textOf(messages[1])).toBe(answer);
    expect(messages[1]?.id).toBe(chat.lastMessage?.id);

    const reloaded = createChatClient(server.url, { token, id: chat.id, messages });
    await reloaded.resumeStream();
    expect(reloaded.messages).toHaveLength(2);
    await reloaded.sendMessage({ text: 'And an interpreter?' });
    expect(textOf(reloaded.lastMessage)).toContain('And an interpreter?');
    const after = await get(`/api/chats/${chat.id}/messages`, token);
    expect(after.body.items).toHaveLength(4);

    const { body: summary } = await get(`/api/chats/${chat.id}`, token);
    expect(summary.totalInputTokens).toBeGreaterThan(0);
    const { token: other } = await signUp('mallory@example.com');
    expect((await get(`/api/chats/${summary.id}`, other)).status).toBe(404);
    expect((await get(`/api/chats/${summary.id}/messages`, other)).status).toBe(404);
  });

  it('makes an administrator by a command, immediately', async () => {
    const { token, id } = await signUp('root@example.com');
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['dist/src/modules/users/cli/user-role.js', 'root@example.com', 'admin'],
      {
        env: { PATH: process.env['PATH'], ...environment },
      },
    );
    expect(stdout).toContain('root@example.com is now admin');
    await within(3_000, async () => (await get('/api/me', token)).body.role === 'admin');
    const { body: audit } = await get('/api/admin/audit?action=user', token);
    expect(audit.items[0]).toMatchObject({
      actor: null,
      action: 'user.updated',
      target: id,
      details: { before: { role: 'user' }, after: { role: 'admin' } },
    });
  });

  it.each([
    ['usage-rebuild', 'src/modules/usage/cli/usage-rebuild.js', /^The usage rollups match the rows/],
    ['usage-purge', 'src/modules/usage/cli/usage-purge.js --before 2026-01-01 --dry-run', /would be purged/],
    [
      'catalog-refresh',
      'src/modules/admin-config/cli/catalog-refresh.js --dry-run',
      /model_catalog|changes would be made/,
    ],
    ['db:migrate', 'src/common/database/cli/migrate.js', /^The database is up to date/],
    ['db:verify', 'src/common/database/cli/verify.js', /^The database matches/],
  ])('runs %s on its database', async (_name, command, printed) => {
    const [file = '', ...rest] = command.split(' ');
    const { stdout } = await promisify(execFile)(process.execPath, [`dist/${file}`, ...rest], {
      env: { PATH: process.env['PATH'], DATA_DIR: environment['DATA_DIR'] },
    });
    expect(stdout).toMatch(printed);
  });

  it('names DATABASE_URL in commands if there is no database at all', async () => {
    const env = { PATH: process.env['PATH'], DATA_DIR: join(folder, 'nothing') };
    const failed = await promisify(execFile)(process.execPath, ['dist/src/common/database/cli/migrate.js'], {
      env,
    }).then(
      () => undefined,
      (error: { code: number; stderr: string }) => error,
    );
    expect([failed?.code, failed?.stderr.split('\n').length]).toEqual([1, 2]);
    expect(failed?.stderr).toContain('DATABASE_URL is not set');
  });

  it('lets an administrator manage users, through its own auth server', async () => {
    const keys = supabase(await secretKey()).auth.admin;
    const [boss, clerk] = [
      await signUp('boss@example.com'),
      await signUp('clerk@example.com', { name: 'Clerk' }),
    ];
    await keys.updateUserById(boss.id, { app_metadata: { role: 'admin' } });
    await within(3_000, async () => (await get('/api/admin/users', boss.token)).status === 200);
    const found = await get('/api/admin/users?q=CLERK', boss.token);
    expect(found.body.items).toMatchObject([
      { id: clerk.id, email: 'clerk@example.com', name: 'Clerk', role: 'user', isActive: true },
    ]);
    expect(found.body.items[0].lastSignInAt).not.toBeNull();
    const send = (method: string, token: string, body?: object) =>
      fetch(`${server.url}/api/admin/users/${clerk.id}`, {
        method,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
        ...(body ? { body: JSON.stringify(body) } : {}),
      });
    expect((await send('PATCH', clerk.token, { role: 'admin' })).status).toBe(403);
    expect((await send('PATCH', boss.token, { role: 'admin' })).status).toBe(200);
    expect((await get('/api/me', clerk.token)).body.role).toBe('admin');
    // The auth server puts the same into the next token.
    const { data } = await clerk.client.auth.refreshSession();
    expect(data.user).toMatchObject({ app_metadata: { role: 'admin' }, user_metadata: { role: 'admin' } });
    expect((await send('PATCH', boss.token, { isActive: false })).status).toBe(200);
    expect((await get('/api/me', clerk.token)).body.code).toBe('user_inactive');
    const { status } = await fetch(`${server.url}/api/admin/users/${clerk.id}`, {
      method: 'DELETE',
      headers: { authorization: `Bearer ${boss.token}` },
    });
    expect(status).toBe(204);
    expect((await get('/api/me', clerk.token)).status).toBe(401);
    expect((await keys.getUserById(clerk.id)).error).not.toBeNull();
    expect(await signInError(supabase(), 'clerk@example.com', PASSWORD)).toBeTruthy();
  });

  it('refuses deactivated and deleted users with a valid token', async () => {
    const admin = supabase(await secretKey()).auth.admin;
    const { token, id } = await signUp('short@example.com');
    expect((await get('/api/me', token)).status).toBe(200);
    await admin.updateUserById(id, { app_metadata: { isActive: false } });
    await within(3_000, async () => (await get('/api/me', token)).body.code === 'user_inactive');
    await admin.updateUserById(id, { app_metadata: { isActive: true, role: 'admin' } });
    await within(3_000, async () => (await get('/api/me', token)).body.role === 'admin');
    await admin.deleteUser(id);
    await within(3_000, async () => (await get('/api/me', token)).status === 401);
    expect((await supabase(publishableKey).auth.admin.listUsers()).error).not.toBeNull();
  });

  it('keeps files in the user’s own folder', async () => {
    const { client, id } = await signUp('files@example.com');
    const mine = client.storage.from('attachments');
    const upload = await mine.upload(`${id}/note.txt`, new Blob(['hello'], { type: 'text/plain' }));
    expect(upload.error).toBeNull();
    const { data } = await mine.download(`${id}/note.txt`);
    expect(await data?.text()).toBe('hello');
    const signed = await mine.createSignedUploadUrl(`${id}/signed.txt`);
    expect(signed.error).toBeNull();
    await mine.uploadToSignedUrl(`${id}/signed.txt`, signed.data?.token ?? '', 'signed', {
      contentType: 'text/plain',
    });
    const link = await mine.createSignedUrl(`${id}/signed.txt`, 60);
    expect(await (await fetch(link.data?.signedUrl ?? '')).text()).toBe('signed');
    expect((await mine.list(id)).data).toHaveLength(2);
    expect((await mine.remove([`${id}/note.txt`])).error).toBeNull();
    expect((await mine.download(`${id}/note.txt`)).error).not.toBeNull();

    const { client: stranger } = await signUp('stranger@example.com');
    expect((await stranger.storage.from('attachments').list(id)).data).toEqual([]);
    expect(
      (await stranger.storage.from('attachments').createSignedUrl(`${id}/signed.txt`, 60)).error,
    ).not.toBeNull();
    expect((await stranger.storage.from('attachments').remove([`${id}/signed.txt`])).data).toEqual([]);
    expect((await stranger.storage.from('attachments').download(`${id}/note.txt`)).error).not.toBeNull();
    expect(
      (await stranger.storage.from('attachments').upload(`${id}/x.txt`, new Blob(['x']))).error,
    ).not.toBeNull();
  });

  it('refuses a second start on the same folder, and production mode', async () => {
    const second = await runServerProcess({ ...environment, PORT: String(await freePort()) });
    expect(second.code).toBe(1);
    expect(second.output).toMatch(/Another Switchboard process \(\d+\) is using /);
    const production = await runServerProcess({ DATA_DIR: join(folder, 'other'), NODE_ENV: 'production' });
    expect(production.code).toBe(1);
    expect(production.output).toContain('The embedded stack is not for production');
  });

  it('keeps all data after a clean stop, a kill, and a crash of PostgreSQL itself', async () => {
    const { client, token } = await signUp('kept@example.com');
    const chat = createChatClient(server.url, { token });
    await chat.sendMessage({ text: 'Remember me' });

    const restart = async () => {
      server = await startServerProcess(environment);
      const { body } = await get(`/api/chats/${chat.id}/messages`, token);
      expect(textOf(body.items[0])).toBe('Remember me');
      expect(server.output()).toContain(publishableKey);
    };
    const passwords = { you: 'correct-horse', changed: 'another-horse-battery' };
    const you = supabase();
    // Like Ctrl-C in a terminal under npm: the signal comes twice.
    const stopped = Number(await postmasterPid());
    server.process.kill('SIGINT');
    expect(await server.stop('SIGINT')).toBe(0);
    expect(isAlive(stopped)).toBe(false);
    await restart();
    expect((await client.auth.refreshSession()).error).toBeNull();
    expect(server.output()).toContain('Sign in and send a message:');
    expect(server.output()).not.toMatch(/Creating|Migrated/);
    await runBannerCommands();

    // Its commands also work after the password is another one.
    await you.auth.signInWithPassword({ email: 'you@example.com', password: passwords.you });
    expect((await you.auth.updateUser({ password: passwords.changed })).error).toBeNull();
    await server.stop('SIGKILL');
    await restart();
    await runBannerCommands();

    const postmaster = Number((await postmasterPid()) ?? 0);
    expect(postmaster).toBeGreaterThan(0);
    await server.stop('SIGKILL');
    process.kill(postmaster, 'SIGKILL');
    await within(10_000, () => Promise.resolve(!isAlive(postmaster)));
    await restart();
  });

  async function postmasterPid(): Promise<string | undefined> {
    const { readFile } = await import('node:fs/promises');
    const file = await readFile(join(environment['DATA_DIR'] ?? '', 'postgres', 'postmaster.pid'), 'utf8');
    return file.split('\n')[0];
  }

  function isAlive(pid: number): boolean {
    try {
      process.kill(pid, 0);
      return true;
    } catch {
      return false;
    }
  }
});
