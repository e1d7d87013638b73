import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { checkDatabase } from '../../src/common/database/check-database.js';
import { runMigrations } from '../../src/common/database/migrate.js';
import { checkEmbeddedEnvironment } from '../../src/config/app-config.js';
import { ConfigurationError, parseEnvironment } from '../../src/config/environment.js';
import { VENDORS } from '../../src/modules/models/vendors/vendors.js';
import { startTestApp } from '../support/app.js';
import { createSupabaseDatabase } from '../rls/supabase-database.js';
import { createTestDatabase, type TestDatabase } from '../support/postgres.js';
import { hold } from '../support/row-locks.js';
import { freePort } from '../support/free-port.js';
import { runServerProcess, startServerProcess } from '../support/server-process.js';
import { TEST_JWT_SECRET } from '../support/tokens.js';

const run = promisify(execFile);

/** What a server that cannot work prints: one line, and no stack. */
async function refusal(environment: Record<string, string>): Promise<string> {
  const { code, output } = await runServerProcess({
    PORT: String(await freePort()),
    SUPABASE_JWT_SECRET: TEST_JWT_SECRET,
    ...environment,
  });
  const lines = output.split('\n').filter((line) => line !== '' && line !== 'Waiting for the database…');
  expect([code, lines]).toEqual([1, [expect.stringMatching(/^switchboard: /)]]);
  expect(output).not.toContain('node_modules');
  return lines[0] ?? '';
}

describe('a server that cannot work does not start, and says why', () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await createTestDatabase();
  });

  afterAll(() => database?.drop());

  const changed = (change: (url: URL) => void): string => {
    const url = new URL(database.url);
    change(url);
    return url.href;
  };

  it('if the database refuses it, with one line and no stack', async () => {
    const url = changed((to) => (to.pathname = '/nowhere'));
    expect(await refusal({ DATABASE_URL: url })).toMatch(/database that DATABASE_URL names does not exist/);
  });

  it('if the database is not migrated, unless it migrates it', async () => {
    const empty = await createTestDatabase({ migrated: false });
    try {
      const DATABASE_URL = empty.url;
      expect(await refusal({ DATABASE_URL })).toMatch(
        /lacks \d+ migrations.*npm run db:migrate.*MIGRATE_ON_START/,
      );
      const migrating = await startServerProcess({
        DATABASE_URL,
        SUPABASE_JWT_SECRET: TEST_JWT_SECRET,
        MIGRATE_ON_START: 'true',
      });
      expect(migrating.output()).toMatch(/Migrated the database: \d+ migrations in \d+\.\d s\./);
      expect(await migrating.stop()).toBe(0);
      await empty.query(
        'delete from switchboard.migrations where id = (select max(id) from switchboard.migrations)',
      );
      expect(await refusal({ DATABASE_URL })).toContain('lacks a migration');
    } finally {
      await empty.drop();
    }
  });

  it('if row level security hides all users from its login, as on Supabase from a login of your own', async () => {
    const supabase = await createSupabaseDatabase();
    try {
      const { username } = new URL(supabase.operatorUrl);
      await runMigrations({ url: supabase.operatorUrl });
      await supabase.query(`alter role ${username} nobypassrls`);
      const sentence = new RegExp(`hides auth\\.users from ${username}.*alter role "${username}" bypassrls`);
      expect(await refusal({ DATABASE_URL: supabase.operatorUrl })).toMatch(sentence);
      await expect(runMigrations({ url: supabase.operatorUrl })).rejects.toThrow(sentence);
      await supabase.query(`create policy server on auth.users to ${username} using (true)`);
      await expect(runMigrations({ url: supabase.operatorUrl })).resolves.toEqual([]);
    } finally {
      await supabase.drop();
    }
  });

  it.each([
    ['DateStyle', 'SQL, DMY', `'ISO, MDY'`],
    ['search_path', 'nowhere', '"$user", public'],
    ['session_replication_role', 'replica', 'origin'],
  ])('if %s is %s, with the statement that helps', async (name, value, cure) => {
    const own = await createTestDatabase();
    try {
      const id = new URL(own.url).pathname.slice(1);
      await own.query(`alter database ${id} set ${name} = ${value.includes(',') ? `'${value}'` : value}`);
      expect(await refusal({ DATABASE_URL: own.url })).toContain(
        `${name} = ${value}, which is set for the login of DATABASE_URL. Run: alter role "postgres" in database "${id}" set ${name} = ${cure}`,
      );
    } finally {
      await own.drop();
    }
  });

  it('if the database fails while it starts', async () => {
    const own = await createTestDatabase();
    const holder = await hold(own);
    try {
      const id = new URL(own.url).pathname.slice(1);
      await own.query(`alter database ${id} set lock_timeout = '50ms'`);
      await holder.query('lock table switchboard.migrations in access exclusive mode');
      expect(await refusal({ DATABASE_URL: own.url })).toBe(
        'switchboard: The database failed while the server was starting: canceling statement due to lock timeout',
      );
    } finally {
      await holder.release();
      await own.drop();
    }
  });

  it('but starts on the database of a later version, with a warning', async () => {
    const later = await createTestDatabase();
    try {
      await later.query(
        `insert into switchboard.migrations (timestamp, name) values (9999999999999, 'Later9999999999999')`,
      );
      const server = await startServerProcess({
        DATABASE_URL: later.url,
        SUPABASE_JWT_SECRET: TEST_JWT_SECRET,
      });
      expect(server.output()).toMatch(/Warning: a later version .*Later9999999999999/);
      expect(await server.stop()).toBe(0);
    } finally {
      await later.drop();
    }
  });

  it('if a port is in use, or the host is not its own', async () => {
    const taken = await listen(createServer());
    try {
      const port = String(portOf(taken));
      const DATABASE_URL = database.url;
      const folder = join(tmpdir(), `switchboard-never-${port}`);
      const [main, metrics, host, embedded] = await Promise.all([
        refusal({ DATABASE_URL, PORT: port }),
        refusal({ DATABASE_URL, METRICS_PORT: port }),
        refusal({ DATABASE_URL, HOST: '192.0.2.1' }),
        refusal({ SUPABASE_JWT_SECRET: '', PORT: port, DATA_DIR: folder }),
      ]);
      expect(main).toMatch(/PORT \d+ of 127\.0\.0\.1 is in use/);
      expect(metrics).toMatch(/METRICS_PORT \d+ of .* set METRICS_PORT/);
      expect(host).toContain('HOST 192.0.2.1 is not an address');
      // Before the embedded stack is set up, which takes a while.
      expect(embedded).toContain('in use');
      expect(existsSync(folder)).toBe(false);
    } finally {
      taken.close();
    }
  });

  it('warns of a misspelt variable, and starts', async () => {
    const server = await startServerProcess({
      DATABASE_URL: database.url,
      SUPABASE_JWT_SECRET: TEST_JWT_SECRET,
      OPENAI_KEY: 'sk-a-secret',
    });
    expect(server.output()).toContain(
      'switchboard: warning: OPENAI_KEY is not read: did you mean OPENAI_API_KEY?',
    );
    expect(server.output()).not.toContain('sk-a-secret');
    expect(await server.stop()).toBe(0);
  });

  it.each([
    ['before the dependencies are installed', [], 'the dependencies are not installed. Run npm ci first.'],
    [
      'if npm has left out what the build needs',
      ['@nestjs/core'],
      'what the build needs is not installed. Run npm ci --include=dev first.',
    ],
  ])('says what to do %s', async (_when, packages, problem) => {
    const folder = mkdtempSync(join(tmpdir(), 'switchboard-clone-'));
    mkdirSync(join(folder, 'scripts'));
    for (const name of packages) mkdirSync(join(folder, 'node_modules', name), { recursive: true });
    for (const file of ['package.json', 'scripts/build.js']) copyFileSync(file, join(folder, file));
    try {
      const failed = await run('npm', ['start'], { cwd: folder }).then(
        () => undefined,
        (error: { code: number; stderr: string }) => error,
      );
      expect(failed?.code).toBe(1);
      expect(failed?.stderr.trim()).toBe(`switchboard: ${problem}`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

/** What a database answers instead of working. */
const refuse = (code: string, message: string) => frame('E', `SFATAL\0VFATAL\0C${code}\0M${message}\0\0`);
const askForPassword = [frame('R', '\0\0\0\x0aSCRAM-SHA-256\0\0'), frame('R', '\0\0\0\x0br=,s=,i=1')];

describe.each<[Buffer | Buffer[], RegExp]>([
  [
    refuse('28P01', 'password authentication failed for user "postgres"'),
    /user name or the password of DATABASE_URL/,
  ],
  [refuse('28000', 'role "nobody" does not exist'), /refused the user or the address/],
  [
    refuse('28000', 'no pg_hba.conf entry for host "10.0.0.1", user "u", database "d", no encryption'),
    /sslmode=require/,
  ],
  [refuse('3D000', 'database "d" does not exist'), /database that DATABASE_URL names does not exist/],
  [refuse('53300', 'sorry, too many clients already'), /no free connection/],
  [refuse('XX000', 'Tenant or user not found'), /pooler does not know the user name of DATABASE_URL/],
  [askForPassword, /DATABASE_URL has no password/],
  [Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'), /Check that PostgreSQL listens there/],
])('a database with answer %#', (answer, message) => {
  it('is named with the cure', async () => {
    const server = await listen(createServer((socket) => answerEach(socket, answer)));
    try {
      const url = `postgres://postgres@127.0.0.1:${portOf(server)}/d`;
      await expect(checkDatabase(url, 'DATABASE_URL', () => undefined)).rejects.toThrow(message);
      await expect(checkDatabase(url, 'DATABASE_URL', () => undefined)).rejects.toThrow(ConfigurationError);
    } finally {
      server.close();
    }
  });
});

describe('a database that cannot be reached', () => {
  const check = (url: string, log: (line: string) => void = () => undefined) =>
    checkDatabase(url, 'DIRECT_URL', log);

  it('is waited for a few seconds', async () => {
    const lines: string[] = [];
    const port = await freePort();
    await Promise.all([
      expect(check('postgres://u@database.invalid/d')).rejects.toThrow(
        /host in DIRECT_URL (?:is unknown|could not be looked up)/,
      ),
      expect(check(`postgres://u@127.0.0.1:${port}/d`, (line) => lines.push(line))).rejects.toThrow(
        /Nothing listens where DIRECT_URL leads/,
      ),
    ]);
    expect(lines).toEqual(['Waiting for the database…']);
  });

  it('without TLS is not asked for it again', async () => {
    const server = await listen(createServer((socket) => answerEach(socket, Buffer.from('N'))));
    try {
      await expect(
        check(`postgres://u@127.0.0.1:${portOf(server)}/d?sslmode=require&uselibpqcompat=true`),
      ).rejects.toThrow(/Remove sslmode from DIRECT_URL/);
    } finally {
      server.close();
    }
  });
});

it.each(['SUPABASE_URL', 'SUPABASE_SECRET_KEY', 'SUPABASE_JWT_SECRET', 'DIRECT_URL'])(
  'the embedded stack does not start if %s names a project of your own',
  (name) => {
    const value = { SUPABASE_URL: 'https://x.supabase.co', DIRECT_URL: 'postgres://localhost/x' }[name];
    const environment = parseEnvironment({ [name]: value ?? 'a-secret-of-sixteen' }, VENDORS);
    expect(() => checkEmbeddedEnvironment(environment)).toThrow(`${name} is set, but DATABASE_URL is not`);
    expect(() => checkEmbeddedEnvironment(parseEnvironment({ PORT: '3000' }, VENDORS))).not.toThrow();
  },
);

it('is not ready while the database lacks migrations', async () => {
  const app = await startTestApp();
  try {
    const status = async () => (await app.request('GET', '/health/ready')).status;
    expect(await status()).toBe(200);
    await app.database.query('alter table switchboard.migrations rename to elsewhere');
    expect(await status()).toBe(503);
    await app.database.query('alter table switchboard.elsewhere rename to migrations');
    const [last] = await app.database.query(
      'delete from switchboard.migrations where id = (select max(id) from switchboard.migrations) returning *',
    );
    expect(await status()).toBe(503);
    await app.database.query('insert into switchboard.migrations values ($1, $2, $3)', [
      last.id,
      last.timestamp,
      last.name,
    ]);
    expect(await status()).toBe(200);
  } finally {
    await app.close();
  }
});

async function listen(server: Server): Promise<Server> {
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

function portOf(server: Server): number {
  const address = server.address();
  return typeof address === 'object' && address !== null ? address.port : 0;
}

/** Sends one message after each that arrives, and closes the connection after the last. */
function answerEach(socket: Socket, answer: Buffer | Buffer[]): void {
  const answers = [answer].flat();
  socket.on('error', () => undefined);
  socket.on('data', () => {
    const next = answers.shift();
    if (next) socket.write(next);
    if (answers.length === 0) socket.end();
  });
}

/** A message of PostgreSQL's protocol. */
function frame(type: string, body: string): Buffer {
  const message = Buffer.alloc(5 + body.length);
  message.write(type, 0);
  message.writeInt32BE(4 + body.length, 1);
  message.write(body, 5);
  return message;
}
