import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isRunning, removeStaleLock } from './postgres-process.js';

describe('the lock file that a killed PostgreSQL has left', () => {
  let folder: string;
  let other: ChildProcess | undefined;

  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'switchboard-lock-'))));

  afterEach(async () => {
    if (other?.exitCode === null && other.signalCode === null) {
      const ended = once(other, 'exit');
      other.kill('SIGKILL');
      await ended;
    }
    rmSync(folder, { recursive: true, force: true });
  });

  const lock = () => join(folder, 'postmaster.pid');

  it.each([
    [
      'another program that mentions PostgreSQL',
      ['-e', 'setInterval(() => 0, 1e6)', 'postgresql.conf'],
      'edit',
    ],
    [
      'the PostgreSQL of another folder',
      ['-e', 'setInterval(() => 0, 1e6)', '--', '-D', '/elsewhere'],
      'postgres',
    ],
  ])('is removed, and its id now belongs to %s, which goes on', async (_what, flags, name) => {
    other = spawn(process.execPath, flags, { argv0: name, stdio: 'ignore' });
    await once(other, 'spawn');
    writeFileSync(lock(), `${other.pid}\n${folder}\n1700000000\n5432\n\n127.0.0.1\n`);
    expect(isRunning(folder)).toBe(false);
    await removeStaleLock(folder);
    await sleep(50);
    expect([other.exitCode, other.signalCode]).toEqual([null, null]);
    expect(existsSync(lock())).toBe(false);
  });

  it.each(['', 'nonsense\n', '-1\n'])('is removed if its content is %j', async (content) => {
    writeFileSync(lock(), content);
    await removeStaleLock(folder);
    expect(existsSync(lock())).toBe(false);
  });

  (process.platform === 'linux' ? it.each : it.skip.each)([
    ['the flag -D', () => ['-D', folder], () => tmpdir()],
    ['its working folder', () => [], () => folder],
  ])('names the PostgreSQL of this folder, known by %s, which is ended', async (_how, flags, cwd) => {
    other = spawn(process.execPath, ['-e', 'setInterval(() => 0, 1e6)', '--', ...flags()], {
      argv0: '/usr/lib/postgresql/18/bin/postgres',
      cwd: cwd(),
      stdio: 'ignore',
    });
    const ended = once(other, 'exit');
    await once(other, 'spawn');
    writeFileSync(lock(), `${other.pid}\n`);
    expect(isRunning(folder)).toBe(true);
    await removeStaleLock(folder);
    expect(await ended).toEqual([null, 'SIGINT']);
  });
});
