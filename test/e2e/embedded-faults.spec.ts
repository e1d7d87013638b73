import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { once } from 'node:events';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { type ProviderDouble, startProviderDouble } from '../doubles/provider-double.js';
import type { TestUser } from '../support/app.js';
import { eventually, SERVER_KEYS, userMessage } from '../support/chat-app.js';
import { EmbeddedServer } from '../support/embedded-server.js';
import { freePort } from '../support/free-port.js';
import { eachSideBySide } from '../support/side-by-side.js';
import { runServerProcess } from '../support/server-process.js';
import { saying, send, storedAnswer, textOfParts } from '../support/turns.js';

/** Several stacks start at once, on a busy machine. */
const PATIENCE = 60_000;

/** The database of the embedded stack dies, its folder is used twice, its disk is full. */
describe('the embedded stack in trouble', () => {
  const folders: string[] = [];

  function newFolder(): string {
    const folder = mkdtempSync(join(tmpdir(), 'switchboard-trouble-'));
    folders.push(folder);
    return folder;
  }

  afterAll(() => folders.forEach((each) => rmSync(each, { recursive: true, force: true })));

  const postmasterOf = (dataDir: string) =>
    Number(readFileSync(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').split('\n')[0]);

  const withDouble = (double: ProviderDouble) => ({
    GOOGLE_BASE_URL: double.googleUrl,
    OPENAI_BASE_URL: double.openaiUrl,
    ANTHROPIC_BASE_URL: double.anthropicUrl,
    ...SERVER_KEYS,
  });

  /** Each has its own stack. They mostly wait for it. */
  const checks: Record<string, () => Promise<void>> = {
    'starts a killed PostgreSQL again, and running answers are stored': async () => {
      const double = await startProviderDouble();
      const stack = await EmbeddedServer.start(withDouble(double));
      try {
        const { id, email, accessToken: token } = await stack.signUp('ada@example.com');
        const user: TestUser = { id, email, token, headers: { authorization: `Bearer ${token}` } };
        for (let round = 0; round < 2; round++) {
          const chatId = randomUUID();
          const question = `a story ${round}`;
          double.enqueue(
            { text: ['Once ', 'upon ', 'a time.'], pauseAfter: 1 },
            { when: ({ stream, userText }) => stream && userText === question },
          );
          const reader = await send(stack, user, {
            id: chatId,
            message: userMessage(question, randomUUID()),
          });
          await reader.until(saying('Once '));
          // The opening is committed without waiting for the disk, and a crash of PostgreSQL may lose the last moments.
          await sleep(1_000);
          const before = postmasterOf(stack.dataDir);
          process.kill(before, 'SIGKILL');
          await eventually(
            () =>
              Promise.resolve(
                existsSync(join(stack.dataDir, 'postgres', 'postmaster.pid')) &&
                  postmasterOf(stack.dataDir) !== before,
              ),
            PATIENCE,
          );
          double.resume();
          const answer = await reader.rest();
          expect(answer.text).toBe('Once upon a time.');
          expect(answer.chunks.at(-1)?.type).toBe('finish');
          expect(answer.done).toBe(true);
          await eventually(
            async () => (await stack.request('GET', '/health/ready')).status === 200,
            PATIENCE,
          );
          const stored = await storedAnswer(stack, user, chatId);
          expect(stored.status).toBe('complete');
          expect(textOfParts(stored)).toBe('Once upon a time.');
        }
        // One killed session makes PostgreSQL end all others. It goes on by itself.
        const pid = await eventually(async () => {
          const [backend] = await stack.query<{ pid: number }>(
            `select pid from pg_stat_activity where application_name = 'switchboard-listener'`,
          );
          return backend?.pid;
        }, PATIENCE);
        process.kill(pid, 'SIGKILL');
        await eventually(async () => (await stack.signIn('ada@example.com')).status === 200, PATIENCE);
        const output = stack.server.output();
        expect(output.match(/The embedded PostgreSQL has ended\. Starting it again\./g)).toHaveLength(2);
        expect(output).toMatch(/The embedded PostgreSQL accepts connections again, after \d+\.\d s\./);
        expect(stack.server.process.exitCode).toBeNull();
      } finally {
        const postmaster = postmasterOf(stack.dataDir);
        expect(await stack.server.stop('SIGINT')).toBe(0);
        expect(() => process.kill(postmaster, 0)).toThrow('ESRCH');
        await stack.stop();
        await double.close();
      }
    },

    'ends with a reason when PostgreSQL cannot be started again': async () => {
      const stack = await EmbeddedServer.start();
      const { process: server, output } = stack.server;
      const ended = once(server, 'exit');
      // PostgreSQL refuses to start with this line.
      writeFileSync(join(stack.dataDir, 'postgres', 'postgresql.auto.conf'), 'nonsense = 1\n');
      process.kill(postmasterOf(stack.dataDir), 'SIGKILL');
      const [code] = (await ended) as [number];
      expect(code).toBe(1);
      const lines = output()
        .split('\n')
        .filter((line) => line.startsWith('switchboard:'));
      expect(lines[0]).toContain(
        `switchboard: The embedded PostgreSQL in ${stack.dataDir} has ended and cannot be started again`,
      );
      expect(lines[0]).toMatch(/configuration file .* contains errors/);
      expect(output()).not.toMatch(/^ {4}at /m);
      await stack.stop();
    },

    'ends at once when PostgreSQL has ended again and again': async () => {
      const stack = await EmbeddedServer.start();
      const { process: server, output } = stack.server;
      const ended = once(server, 'exit');
      const times = (line: string) => output().split(line).length - 1;
      for (let crash = 1; crash <= 6; crash++) {
        process.kill(postmasterOf(stack.dataDir), 'SIGKILL');
        if (crash < 6)
          await eventually(() => Promise.resolve(times('accepts connections again') === crash), PATIENCE);
      }
      expect(await ended).toEqual([1, null]);
      expect(times('could not be started: it has ended 6 times within a minute')).toBe(1);
      expect(output()).toContain('cannot be started again: it has ended 6 times within a minute');
    },

    'lets one of several simultaneous starts have the folder, and the others say who has it': async () => {
      const folder = newFolder();
      const dataDir = join(folder, 'data');
      const first = EmbeddedServer.start({ DATA_DIR: dataDir }, folder);
      first.catch(() => undefined);
      await eventually(() => Promise.resolve(existsSync(join(dataDir, 'stack.lock'))), PATIENCE);
      const others = await Promise.all(
        [1, 2].map(async () => runServerProcess({ DATA_DIR: dataDir, PORT: String(await freePort()) })),
      );
      const stack = await first;
      for (const { code, output } of others) {
        expect(code).toBe(1);
        expect(output).toBe(
          `switchboard: Another Switchboard process (${stack.server.process.pid}) is using ${dataDir}. Stop it or set another DATA_DIR\n`,
        );
      }
      await stack.stop();
    },

    'starts after its first start was cut off': async () => {
      const folder = newFolder();
      chmodSync(folder, 0o755);
      const dataDir = join(folder, 'data');
      const environment = { DATA_DIR: dataDir, PORT: String(await freePort()) };
      const first = spawn(process.execPath, ['dist/src/main.js'], {
        env: { PATH: process.env['PATH'], HOME: process.env['HOME'], ...environment },
        stdio: 'ignore',
        detached: true,
      });
      const ended = once(first, 'exit');
      const isCreating = () =>
        existsSync(dataDir) &&
        readdirSync(dataDir).some((name) => existsSync(join(dataDir, name, 'PG_VERSION')));
      await eventually(() => Promise.resolve(isCreating()), PATIENCE);
      process.kill(-first.pid!, 'SIGKILL');
      await ended;
      const stack = await EmbeddedServer.start(environment, folder);
      const left = readdirSync(dataDir).filter((name) => !/^(?:postgres|stack|storage)/.test(name));
      expect(left).toEqual([]);
      await stack.stop();
    },

    'takes the folder from a process that no longer runs': async () => {
      const folder = newFolder();
      const dataDir = join(folder, 'data');
      mkdirSync(dataDir);
      // In a container, a server gets the same id again. It did not start at the same time.
      writeFileSync(join(dataDir, 'stack.lock'), `${process.pid} 1`);
      const stack = await EmbeddedServer.start({ DATA_DIR: dataDir }, folder);
      expect(readFileSync(join(dataDir, 'stack.lock'), 'utf8')).toMatch(
        new RegExp(`^${stack.server.process.pid} `),
      );
      await stack.server.stop('SIGINT');
      expect(existsSync(join(dataDir, 'stack.lock'))).toBe(false);
    },
  };

  eachSideBySide('%s', Object.entries(checks), (_name, check) => check());

  const canMount = process.platform === 'linux' && process.getuid?.() === 0 && isMountable();

  (canMount ? it : it.skip)('names the folder and the cause when the disk is full', async () => {
    // Nothing fits; the cluster does not fit; the schemas and migrations do not fit.
    await Promise.all(
      ['8k', '16m', '40m'].map(async (size) => {
        const folder = newFolder();
        // PostgreSQL's account can reach the folder. The cluster would be on another disk otherwise.
        chmodSync(folder, 0o755);
        const dataDir = join(folder, 'data');
        mkdirSync(dataDir, { recursive: true });
        execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=755`, 'tmpfs', dataDir]);
        try {
          if (size === '8k') writeFileSync(join(dataDir, '.filled'), Buffer.alloc(8 * 1024));
        } catch {
          // It is full, as intended.
        }
        try {
          const { code, output } = await runServerProcess({
            DATA_DIR: dataDir,
            PORT: String(await freePort()),
          });
          expect({ size, code }).toEqual({ size, code: 1 });
          const lines = output.split('\n').filter((line) => line.startsWith('switchboard:'));
          expect(output).not.toMatch(/^ {4}at /m);
          expect(lines).toHaveLength(1);
          expect(lines[0]).toContain(dataDir);
          expect(lines[0]).toMatch(/disk is full|No space left on device/);
        } finally {
          execFileSync('umount', ['-l', dataDir]);
        }
      }),
    );
  });
});

function isMountable(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'switchboard-mount-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4k', 'tmpfs', folder], { stdio: 'ignore' });
    execFileSync('umount', [folder]);
    return true;
  } catch {
    return false;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
