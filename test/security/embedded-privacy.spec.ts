import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import pg from 'pg';
import { EmbeddedServer, PASSWORD } from '../support/embedded-server.js';
import { freePort } from '../support/free-port.js';
import { runServerProcess } from '../support/server-process.js';
import { eachSideBySide } from '../support/side-by-side.js';

const isRoot = process.getuid?.() === 0;

/** Files and folders of the stack that other users can access. PostgreSQL's own are below its closed folder. */
function open(folder: string): string[] {
  const found: string[] = [];
  const visit = (path: string) => {
    const stats = lstatSync(path);
    const mode = stats.mode & 0o777;
    const entry = `${mode.toString(8)} ${path}`;
    if (stats.isSymbolicLink()) return;
    if (stats.isFile() && (mode & 0o077) !== 0) found.push(entry);
    if (stats.isDirectory()) {
      // Root lets PostgreSQL's account pass through the data folder.
      const allowed = path === folder && isRoot ? 0o710 : 0o700;
      if ((mode & ~allowed) !== 0) found.push(entry);
      if (path !== join(folder, 'postgres')) readdirSync(path).forEach((name) => visit(join(path, name)));
    }
  };
  visit(folder);
  return found;
}

async function storeFile(stack: EmbeddedServer, email: string): Promise<void> {
  const { id, accessToken } = await stack.signUp(email);
  const { status } = await stack.request('POST', `/storage/v1/object/attachments/${id}/note.txt`, {
    token: accessToken,
    body: 'private',
    headers: { 'content-type': 'text/plain' },
  });
  expect(status).toBe(200);
}

describe('the files of the embedded stack', () => {
  eachSideBySide(
    'are private with %s, also in a folder that was open',
    [
      ['a usual umask', 0o022],
      ['no umask', 0o000],
      ['a narrow umask', 0o077],
    ],
    async (_name: string, umask: number) => {
      const folder = mkdtempSync(join(tmpdir(), 'switchboard-privacy-'));
      try {
        // Not private itself, so that PostgreSQL's account can reach the cluster below it.
        chmodSync(folder, 0o755);
        const dataDir = join(folder, 'data');
        mkdirSync(join(dataDir, 'storage', 'ab'), { recursive: true });
        writeFileSync(join(dataDir, 'storage', 'ab', 'older'), 'of an older version');
        writeFileSync(join(dataDir, 'storage', 'ab', 'older.json'), '{}');
        writeFileSync(join(dataDir, 'postgres.log'), '');
        for (const path of ['', 'storage', 'storage/ab']) chmodSync(join(dataDir, path), 0o777);
        for (const path of ['storage/ab/older', 'storage/ab/older.json', 'postgres.log'])
          chmodSync(join(dataDir, path), 0o666);
        // As if it had inherited this umask, which the tests share.
        const NODE_OPTIONS = `--import=data:text/javascript,process.umask(${umask});console.log(process.umask())`;
        const stack = await EmbeddedServer.start({ DATA_DIR: dataDir, NODE_OPTIONS }, folder);
        try {
          expect(stack.server.output()).toMatch(new RegExp(`^${umask}\n`));
          await storeFile(stack, 'kept@example.com');
          expect(open(dataDir)).toEqual([]);
          expect(readdirSync(join(dataDir, 'storage')).length).toBeGreaterThan(1);
          expect(statSync(join(dataDir, 'postgres')).mode & 0o777).toBe(0o700);
          expect(lstatSync(join(dataDir, 'postgres')).isSymbolicLink()).toBe(false);
          if (isRoot) expectToBeOutOfReach(stack);
        } finally {
          await stack.stop();
        }
      } finally {
        rmSync(folder, { recursive: true, force: true });
      }
    },
  );

  /** Only root can act as other accounts. */
  function expectToBeOutOfReach(stack: EmbeddedServer): void {
    const paths = readdirSync(stack.dataDir, { recursive: true, encoding: 'utf8' }).map((name) =>
      join(stack.dataDir, name),
    );
    // An account that is not in PostgreSQL's group.
    const asStranger = (command: string[]) =>
      spawnSync(command[0] ?? '', command.slice(1), { uid: 12_345, gid: 12_345, encoding: 'utf8' }).status;
    expect(asStranger(['ls', stack.dataDir])).not.toBe(0);
    for (const path of paths.slice(0, 40)) expect([path, asStranger(['cat', path])]).not.toEqual([path, 0]);
    expect(asStranger(['cat', join(stack.dataDir, 'stack.json')])).not.toBe(0);
  }

  it('leave a folder alone that contains other files', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'switchboard-other-'));
    try {
      writeFileSync(join(folder, 'letter.txt'), 'somebody\u2019s own');
      chmodSync(folder, 0o755);
      const { code, output } = await runServerProcess({ DATA_DIR: folder, PORT: String(await freePort()) });
      expect(code).toBe(1);
      expect(output).toContain('contains other files');
      expect(statSync(folder).mode & 0o777).toBe(0o755);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });

  it('refuse a folder that everyone uses', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'switchboard-shared-'));
    try {
      chmodSync(folder, 0o1777);
      const { code, output } = await runServerProcess({ DATA_DIR: folder, PORT: String(await freePort()) });
      expect(code).toBe(1);
      expect(output).toContain('shared with other users');
      expect(statSync(folder).mode & 0o7777).toBe(0o1777);
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

describe('the PostgreSQL of the embedded stack', () => {
  let stack: EmbeddedServer;

  beforeAll(async () => {
    stack = await EmbeddedServer.start({ OPENAI_API_KEY: 'sk-should-stay-in-the-server' });
  });
  afterAll(() => stack?.stop());

  it('requires a password from everyone, without sending it in plain text', async () => {
    const rules = await stack.query<{ auth_method: string; error: string | null }>(
      'select auth_method, error from pg_hba_file_rules',
    );
    expect(rules.length).toBeGreaterThan(0);
    expect([...new Set(rules.map(({ auth_method }) => auth_method))]).toEqual(['scram-sha-256']);
    const [settings] = await stack.query(
      'select current_setting($1) as sockets, current_setting($2) as addresses, current_setting($3) as encryption',
      ['unix_socket_directories', 'listen_addresses', 'password_encryption'],
    );
    expect(settings).toEqual({ sockets: '', addresses: '127.0.0.1', encryption: 'scram-sha-256' });
    const passwords = await stack.query<{ rolname: string; rolpassword: string | null }>(
      'select rolname, rolpassword from pg_authid where rolcanlogin',
    );
    for (const { rolname, rolpassword } of passwords)
      expect([rolname, rolpassword]).toEqual([rolname, expect.stringMatching(/^SCRAM-SHA-256\$/)]);
    for (const user of ['postgres', 'supabase_auth_admin', 'authenticated', 'anon', 'service_role']) {
      for (const password of ['', user, 'postgres']) {
        const client = new pg.Client({
          host: '127.0.0.1',
          port: stack.secrets.port,
          user,
          password,
          database: 'postgres',
        });
        client.on('error', () => undefined);
        await expect(client.connect()).rejects.toThrow();
        await client.end().catch(() => undefined);
      }
    }
  });

  it('only listens on this machine', async () => {
    const others = Object.values(networkInterfaces())
      .flat()
      .filter((address) => address && !address.internal && address.family === 'IPv4');
    for (const address of others) {
      const refused = await new Promise<boolean>((resolve) => {
        const socket = connect(stack.secrets.port, address?.address ?? '');
        socket.once('connect', () => {
          socket.destroy();
          resolve(false);
        });
        socket.once('error', () => resolve(true));
      });
      expect([address?.address, refused]).toEqual([address?.address, true]);
    }
  });

  it('does not get the server’s environment', () => {
    const postmaster = readFileSync(join(stack.dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0];
    const environment = readFileSync(`/proc/${postmaster}/environ`, 'utf8');
    expect(environment).not.toContain('sk-should-stay-in-the-server');
    expect(readFileSync(`/proc/${postmaster}/cmdline`, 'utf8')).not.toContain(stack.secrets.databasePassword);
  });

  it('prints no password, key or statement, whatever fails', async () => {
    const { databasePassword, authPassword, jwtSecret, secretKey } = stack.secrets;
    const { accessToken, refreshToken, id } = await stack.signUp('printed@example.com');
    await stack.signIn('printed@example.com', 'a-wrong-password');
    await stack.query('alter table auth.users rename column last_sign_in_at to gone');
    await stack.query('alter table storage.objects rename column metadata to gone');
    try {
      const answers = await Promise.all([
        stack.signIn('printed@example.com'),
        stack.refresh(refreshToken),
        stack.auth('signup', { email: 'broken@example.com', password: PASSWORD }),
        stack.request('GET', '/auth/v1/user', { token: accessToken }),
        stack.request('GET', '/auth/v1/admin/users', { key: secretKey }),
        stack.request('POST', '/storage/v1/object/list/files', { token: accessToken, body: { prefix: '' } }),
        stack.request('POST', `/storage/v1/object/attachments/${id}/x`, { token: accessToken, body: 'x' }),
      ]);
      expect(answers.some(({ status }) => status === 500)).toBe(true);
      for (const { text } of answers) {
        expect(text).not.toMatch(/select|insert|column|relation|postgres|\.js|node_modules|at /i);
      }
    } finally {
      await stack.query('alter table auth.users rename column gone to last_sign_in_at');
      await stack.query('alter table storage.objects rename column gone to metadata');
    }
    const printed = `${stack.server.output()}${readFileSync(join(stack.dataDir, 'postgres.log'), 'utf8')}`;
    for (const secret of [
      databasePassword,
      authPassword,
      jwtSecret,
      secretKey,
      accessToken,
      refreshToken,
      PASSWORD,
      'a-wrong-password',
    ]) {
      // The printed commands sign up with their own password.
      expect(printed.includes(secret)).toBe(false);
    }
  });
});
